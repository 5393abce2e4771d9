//! What the machine allows a command: it asks a socket and prints the answer's last line. `cargo xtask bench` links it
//! statically and holds `evertoken token` against it. Argument: the socket.

use std::error::Error;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::{env, io};

fn main() -> Result<(), Box<dyn Error>> {
    let mut stream = UnixStream::connect(env::args_os().nth(1).ok_or("usage: echo_client SOCKET")?)?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let (mut buffer, mut filled) = ([0; 8192], 0);
    while !buffer[..filled].ends_with(b"\n") {
        match stream.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    let line = buffer[..filled].rsplit(|byte| *byte == b'\r').next().unwrap_or_default();
    Ok(io::stdout().write_all(line)?)
}
