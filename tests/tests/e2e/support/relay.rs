//! A client's connection from another address: a relay on this machine.

use std::io::copy;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use super::raw::dial_from;
use super::server::Server;

/// Relays one connection to the server as if it came from `address`; where to connect to.
pub fn relay_from(address: [u8; 4], server: &Server) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let near = dial_from(address, server);
    thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let back = [client.try_clone().unwrap(), near.try_clone().unwrap()];
        thread::spawn(move || pass(&back[1], &back[0]));
        pass(&client, &near);
    });
    at
}

/// Everything that comes from one socket goes to the other, and so does its end.
fn pass(mut from: &TcpStream, mut to: &TcpStream) {
    // However the connection ends, the other one does too.
    let _ = copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
