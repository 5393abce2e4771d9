//! A command that asks a socket and prints the JSON of the answer.

use std::error::Error;
use std::io;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

pub(crate) fn ask(socket: &str) -> Result<(), Box<dyn Error>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let (mut buffer, mut filled) = ([0; 8192], 0);
    while !buffer[..filled].ends_with(b"}") {
        match stream.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    let line = buffer[..filled].rsplit(|byte| *byte == b'\r').next().unwrap_or_default();
    Ok(io::stdout().write_all(line)?)
}
