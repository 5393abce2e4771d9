//! What the machine allows: a server, a command and clients that do no more than a token read must. `cargo xtask bench` builds
//! this as a static program and holds the agent and `evertoken token` against it.

#[cfg(unix)]
mod ask;
#[cfg(unix)]
mod load;
#[cfg(unix)]
mod serve;

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", socket, answer] => serve::serve(socket, answer),
        ["ask", socket] => ask::ask(socket),
        ["load", socket, path, clients, connections, seconds] => {
            load::load(socket, path, clients.parse()?, *connections == "kept", seconds.parse()?)
        }
        _ => Err("usage: limit serve SOCKET ANSWER | ask SOCKET | load SOCKET PATH CLIENTS kept|new SECONDS".into()),
    }
}

#[cfg(not(unix))]
fn main() {
    // All of it is about Unix sockets.
}
