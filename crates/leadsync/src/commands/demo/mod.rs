//! `leadsync demo`: a hospital keeps leads in one account and patients in another.

mod people;
mod team;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use plan::connector::{ActivityRules, Basic, Definition, Owners};
use sandbox::{Automation, Plan, Sandbox, Settings as AccountSettings, Trigger};
use secrecy::SecretString;
use store::{AccountPlan, Actor, Base, Change, Keys, Open, Store, Token, UserChange};
use tokio::net::TcpListener;

use crate::node::{self, Node};
use crate::output;
use crate::settings::Settings;

/// Run a demo: two emulated accounts, kept in sync, with sample leads that change
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Stop after this many seconds [default: at Ctrl-C]
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
    /// Changes per second that the emulated team makes
    #[arg(long, default_value_t = 1.5, value_name = "CHANGES")]
    pace: f64,
}

/// The two accounts; connectors are named by them.
const NAMES: [&str; 2] = ["leads", "patients"];
/// Who may sign in to the console.
const USER: &str = "demo@example.com";
/// How often an automation repeats a failed post.
const RETRIES: u32 = 5;

impl Demo {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let listener = listen(settings).await?;
        let address = listener.local_addr().context("the address of the receiver is not known")?;
        let folder = tempfile::tempdir().context("the demo's folder can't be made")?;
        let url = format!("sqlite://{}", folder.path().join("demo.db").display());
        let store = store::open(&url, Open { serve: true, ..Open::default() }).await?;
        let accounts = [account(NAMES[0]).await?, account(NAMES[1]).await?];
        let base = format!("http://{address}");
        for which in [Base::Links, Base::Webhooks] {
            store.note_base_url(which, &base).await?;
        }
        connect(store.as_ref(), &accounts, &base).await?;
        let password = add_user(store.as_ref()).await?;
        let options = settings.of_node(settings.post()?, (base.clone(), base.clone()))?;
        let mut node = Node::start((listener, None), store.clone(), options)?;
        if !settings.json {
            greet(&accounts, &base, &url, &password)?;
        }
        let team = tokio::spawn(team::work(accounts.clone(), self.pace, settings.json));
        let watch = tokio::spawn(watch::watch(store.clone(), accounts.clone(), settings.json));
        let ended = tokio::select! {
            ended = node.wait() => ended,
            () = until(self.seconds) => Ok(()),
        };
        team.abort();
        // The team's last changes are still on their way.
        let _ = tokio::time::timeout(LAST_POSTS, settled(&accounts, store.as_ref())).await;
        watch.abort();
        watch::summary(store.as_ref(), &accounts, settings.json).await?;
        for account in &accounts {
            account.stop().await;
        }
        node.stop().await?;
        if !settings.json {
            output::line("Demo stopped. Its data was deleted.")?;
        }
        ended
    }
}

/// How long the end waits for the last changes to arrive.
const LAST_POSTS: Duration = Duration::from_secs(8);

async fn until(seconds: Option<u64>) {
    match seconds {
        Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        None => std::future::pending().await,
    }
}

/// Waits until two checks in a row see nothing posted or processed. One is not enough: queued and
/// running requests are counted one after the other, and a request that is put back in the queue
/// meanwhile is in neither count.
async fn settled(accounts: &[Sandbox; 2], store: &dyn Store) {
    let mut look = tokio::time::interval(Duration::from_millis(100));
    let mut quiet = 0;
    while quiet < 2 {
        look.tick().await;
        for account in accounts {
            account.idle().await;
        }
        let is_quiet = watch::open_requests(store).await == Some(0)
            && accounts.iter().all(|account| account.deliveries_pending() == 0);
        quiet = if is_quiet { quiet + 1 } else { 0 };
    }
}

/// The address in the settings; another free one if it is taken.
async fn listen(settings: &Settings) -> anyhow::Result<TcpListener> {
    match node::listen(settings.listen, "--listen").await {
        Ok(listener) => Ok(listener),
        Err(_) => node::listen((settings.listen.ip(), 0).into(), "--listen").await,
    }
}

async fn account(name: &str) -> anyhow::Result<Sandbox> {
    let mut settings = AccountSettings::new(name);
    settings.plan = Plan::Super;
    Sandbox::start(settings).await.context("an emulated account can't be started")
}

/// Adds the accounts and a connector each way to the store, and makes the accounts' automations
/// post to them.
async fn connect(store: &dyn Store, accounts: &[Sandbox; 2], base: &str) -> anyhow::Result<()> {
    let mut changes: Vec<Change> = accounts
        .iter()
        .map(|account| Change::PutAccount {
            name: account.name().to_owned(),
            host: account.url(),
            keys: Keys {
                access: SecretString::from(account.access_key()),
                secret: SecretString::from(account.secret_key()),
            },
            plan: AccountPlan::Super,
        })
        .collect();
    for (source, destination) in [(0, 1), (1, 0)] {
        let name = format!("{}-to-{}", NAMES[source], NAMES[destination]);
        changes.push(Change::PutConnector {
            definition: definition(&name, NAMES[source], NAMES[destination]),
            token: Token::for_webhook()?,
            made_from: None,
        });
        changes.push(Change::SetEnabled { name, enabled: true });
    }
    let actor = Actor("demo".to_owned());
    store.change_configuration(changes, &actor, node::now()).await?;
    let configuration = store.configuration().await?;
    for connector in &configuration.connectors {
        let source = accounts.iter().find(|account| account.name() == connector.definition.source);
        let source = source.context("a connector of the demo has no account")?;
        let url = admin::webhook_url(base, &connector.token);
        for trigger in
            [Trigger::NewLead, Trigger::LeadUpdate(Vec::new()), Trigger::NewActivity(Vec::new())]
        {
            let name = format!("{trigger}: {}", connector.definition.name);
            source.add_automation(Automation { name, trigger, url: url.clone(), retries: RETRIES });
        }
    }
    Ok(())
}

fn definition(name: &str, source: &str, destination: &str) -> Definition {
    // The same three people work in both accounts, under a different address in each.
    let address = |person: &str, account: &str| format!("{person}@{account}.example");
    let people = ["asha", "vikram", "meera"];
    let stands = people.map(|person| (address(person, source), address(person, destination)));
    Definition {
        owner: Owners { users: stands.into(), fallback: None },
        activity: ActivityRules { enabled: true, ..ActivityRules::default() },
        basic: Basic {
            secondary_search_by: Some("Phone".to_owned()),
            default_country_code: Some("IN".to_owned()),
            ..Basic::default()
        },
        ..Definition::new(name, source, destination)
    }
}

/// Adds the user who may sign in to the console; returns the password.
async fn add_user(store: &dyn Store) -> anyhow::Result<String> {
    let password = Token::for_webhook()?.expose()[..12].to_owned();
    let hash = admin::password::hash(SecretString::from(password.as_str())).await;
    let hash = hash.map_err(|error| anyhow::anyhow!("{error}"))?;
    let change = UserChange::AddFirst { email: USER.to_owned(), password: hash };
    store.change_users(change, &Actor("demo".to_owned()), node::now()).await?;
    Ok(password)
}

fn greet(
    accounts: &[Sandbox; 2],
    base: &str,
    database: &str,
    password: &str,
) -> anyhow::Result<()> {
    output::line("A hospital keeps leads in one LeadSquared account and patients in another.")?;
    output::line("Both are emulated here, and leadsync keeps them in sync in both directions.\n")?;
    for account in accounts {
        output::line(&format!("  account {:9} {}/leads", account.name(), account.url()))?;
    }
    output::line(&format!("  leadsync          {base}/ as {USER} with the password {password}"))?;
    output::line(
        "\nOpen the accounts to see and edit leads. To look for a lead, run in another terminal:",
    )?;
    let own = std::env::current_exe().map_or("leadsync".into(), |path| path.display().to_string());
    output::line(&format!("  {own} --database-url {database} logs --q EMAIL_OR_PHONE"))?;
    output::line("Press Ctrl-C to stop.\n")
}

/// The handle that the parts of the demo share.
type Accounts = [Sandbox; 2];
/// The store, shared.
type SharedStore = Arc<dyn Store>;
