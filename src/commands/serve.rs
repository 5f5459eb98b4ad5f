//! `clickledger serve`: the default.

use super::say;
use crate::config::Config;
use crate::server::{self, EndSignal};

/// Serves until the process is asked to end.
pub fn serve(config: &Config) -> anyhow::Result<()> {
    actix_web::rt::System::new().block_on(async {
        let server = server::build(config)?;
        let end = EndSignal::listen()?;
        let base = base_url(config, server.address);
        say(&format!("Clickledger serves on {base}"))?;
        if let Some(token) = &server.setup_token {
            say(&format!("Open this link once to make your account:\n\n  {base}/setup/{token}\n"))?;
        }
        server.run_until(end).await
    })
}

/// The address to open in a browser.
pub fn base_url(config: &Config, address: std::net::SocketAddr) -> String {
    match &config.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{address}"),
    }
}
