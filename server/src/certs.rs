//! `certs dev`: a folder of certificates to try things out with.

use std::path::Path;

use serde_json::json;
use tacita_certs::{Folder, FolderError, Pair};
use tacita_cli::{json_line, line};
use tacita_protocol::{Error, Result};

use crate::cli::Dev;

/// Makes the folder and prints how to use it.
///
/// # Errors
/// `Input` if something is in the way or a name is none, `Local` if it cannot be written.
pub fn dev(args: &Dev) -> Result<()> {
    let folder = Folder::make(&args.dir, &args.names).map_err(|e| match e {
        FolderError::Exists(_) | FolderError::Name(_) => Error::input(e.to_string()),
        e => Error::local(e.to_string()),
    })?;
    let (server, client) = commands(&folder);
    if args.json {
        let pair = |pair: &Pair| json!({"cert": pair.cert, "key": pair.key});
        return json_line(&json!({
            "event": "certificates",
            "ca": pair(&folder.ca),
            "server": pair(&folder.server),
            "client": pair(&folder.client),
            "server_command": server,
            "client_command": client,
        }));
    }
    line(&format!(
        "Certificates for a year, to develop with, are in {}. Whoever has its ca.key can pass for \
         the server and for clients.\n\nStart a server (without --client-ca it serves anybody):\n\n  \
         {server}\n\nand a client:\n\n  {client}",
        quoted(&args.dir)
    ))
}

/// How a server and a client are started with them.
fn commands(folder: &Folder) -> (String, String) {
    let (ca, server, client) = (&folder.ca, &folder.server, &folder.client);
    let starts = format!(
        "tacita-server --plan net.plan --listen 127.0.0.1:7777 --cert {} --key {} --client-ca {}",
        quoted(&server.cert),
        quoted(&server.key),
        quoted(&ca.cert)
    );
    let asks = format!(
        "tacita-client infer --server 127.0.0.1:7777 --ca {} --cert {} --key {} image.png",
        quoted(&ca.cert),
        quoted(&client.cert),
        quoted(&client.key)
    );
    (starts, asks)
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('-') {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_a_shell() {
        for (path, quoted) in
            [("a/b.pem", "a/b.pem"), ("my certs", "'my certs'"), ("it's", r"'it'\''s'")]
        {
            assert_eq!(super::quoted(Path::new(path)), quoted);
        }
    }
}
