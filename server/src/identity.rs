//! The server's certificate and whose clients it serves.

use tacita_cli::count;
use tacita_protocol::Result;
use tacita_protocol::wire::{Identity, Pem, ServerTls, Validity};

use crate::args::Args;

/// Fewer days than this deserve a warning.
const SOON: i64 = 14;

/// Reads and checks all certificates and says how long they are good for.
///
/// # Errors
/// `Input` naming the file and what is wrong with it.
pub fn load(args: &Args) -> Result<ServerTls> {
    let identity = Identity::read(&args.cert, &args.key)?;
    let client_ca = args.client_ca.as_deref().map(Pem::read).transpose()?;
    let tls = ServerTls::new(&identity, client_ca.as_ref())?;
    tell(args, identity.validity()?);
    for expired in client_ca.map_or_else(|| Ok(Vec::new()), |ca| ca.expired_roots())? {
        tracing::warn!("the client CA: {expired}; clients that it signed are still served");
    }
    Ok(tls)
}

fn tell(args: &Args, validity: Validity) {
    let (days, until) = (validity.days_left(), validity.last_day());
    let left = count(usize::try_from(days).unwrap_or_default(), "day");
    let cert = args.cert.display();
    if days < SOON {
        tracing::warn!(days, "the certificate `{cert}` expires in {left}, on {until}: renew it");
    } else {
        tracing::info!(days, "the certificate `{cert}` is valid for {left}, until {until}");
    }
}
