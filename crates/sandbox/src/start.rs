//! Starting and stopping an account.

use crate::account::{Account, Queue};
use crate::chance::Chance;
use crate::client::Client;
use crate::deliver::Postman;
use crate::handle::{Listening, Sandbox};
use crate::metadata::Setup;
use crate::meter::Meter;
use crate::pages;
use crate::serve::{Ill, Shared, serve};
use crate::settings::Settings;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

impl Sandbox {
    /// Starts an account on 127.0.0.1. It must be called within a Tokio runtime.
    ///
    /// # Errors
    /// The port is taken, or the HTTP client that posts can't be created.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port)).await?;
        let address = listener.local_addr()?;
        let client = Client::new().map_err(io::Error::other)?;
        let (queue, inboxes) = Queue::new(settings.delivery_workers, settings.delivery_log);
        let queue = Arc::new(queue);
        let chance = Arc::new(Chance::new(settings.seed));
        let setup = Setup::new(settings.fields, settings.users, settings.switches);
        let mut account =
            Account::new(setup, chance.clone(), settings.clock.clone(), queue.clone());
        account.api_host = settings.api_host.unwrap_or_else(|| address.to_string());
        let ill = Ill { faults: Vec::new(), latency: Duration::ZERO, plan: settings.plan };
        let shared = Shared {
            name: settings.name.into(),
            access_key: settings.access_key.into(),
            secret_key: settings.secret_key.into(),
            account: Arc::new(Mutex::new(account)),
            meter: Arc::new(Mutex::new(Meter::default())),
            ill: Arc::new(Mutex::new(ill)),
            chance,
        };
        let stop = CancellationToken::new();
        let postman = Postman {
            account: shared.account.clone(),
            queue,
            client,
            clock: settings.clock,
            retry_delay: settings.retry_delay,
            stop: stop.clone(),
        };
        for inbox in inboxes {
            tokio::spawn(postman.clone().work(inbox));
        }
        let sandbox = Self { shared, address, postman, server: Arc::default(), stop };
        sandbox.accept(listener).await;
        Ok(sandbox)
    }

    async fn accept(&self, listener: TcpListener) {
        let stop = self.stop.child_token();
        let pages = pages::router(self.clone());
        let task = tokio::spawn(serve(listener, self.shared.clone(), pages, stop.clone()));
        *self.server.lock().await = Some(Listening { stop, task });
    }

    /// Stops listening on the port and cuts all connections, or listens on it again.
    ///
    /// # Errors
    /// The port has been taken in the meantime.
    pub async fn listen(&self, on: bool) -> io::Result<()> {
        let listening = self.server.lock().await.take();
        if let Some(listening) = listening {
            if on {
                *self.server.lock().await = Some(listening);
                return Ok(());
            }
            listening.stop.cancel();
            let _ = listening.task.await;
        } else if on {
            let listener = TcpListener::bind(self.address).await?;
            self.accept(listener).await;
        }
        Ok(())
    }

    /// Stops the account: it no longer answers or posts anything.
    pub async fn stop(&self) {
        self.stop.cancel();
        if let Some(listening) = self.server.lock().await.take() {
            let _ = listening.task.await;
        }
    }

    /// Waits until the account is stopped.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }
}
