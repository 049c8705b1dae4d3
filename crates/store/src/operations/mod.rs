//! The storage operations, written once for both databases.
//!
//! This folder is compiled twice: as `sqlite::operations` and as `postgres::operations`. What
//! differs between the two (types, how a transaction begins, the clock) comes from the module
//! above, by the same names.

mod audit;
mod batches;
mod catalogue;
mod changing;
mod configuration;
mod counts;
mod failures;
mod found;
mod history;
mod incident;
mod intake;
mod lease;
mod links;
mod list;
mod log;
mod mail;
mod opening;
mod progress;
mod retry;
mod reviews;
mod sessions;
mod tally;
mod users;
mod values;

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use plan::access::AccountUser;
use plan::connector::Definition;
use plan::id::{AccountId, ConnectorId, NODES, RequestId};
use plan::incident::Incident;
use plan::link::{Link, Pair, Side};
use plan::metadata::{Catalogue, FieldChange};
use plan::review::Choice;
use sqlx::Row;

use super::{Backend, CLAIM_ROWS, Connection, Db, KEEP_ROWS, NOW};
use crate::{
    Actor, ApiToken, AuditFilter, AuditItem, Cause, Change, ClaimedMail, Configuration, Counts,
    Cursor, Delivery, EndSessions, Error, FailureGroup, Filter, Guest, Health, HistoryItem, Intent,
    Lease, MailEnd, MailItem, Neighbours, NewDelivery, NewLink, NewMail, NewSession, Page,
    PasswordHash, Progress, RequestItem, RequestLine, Result, Retried, Retry, RetryBatch,
    ReviewFilter, ReviewItem, Selection, Session, SessionItem, Span, Standing, Step, Store,
    TokenHash, Unfinished, Used, User, UserChange, Version, WaitingRecord,
};

type QueryBuilder = sqlx::QueryBuilder<Db>;
type DbRow = <Db as sqlx::Database>::Row;

/// Rows of one statement: SQLite takes 32,766 parameters, and no row here has more than 20.
const ROWS_A_STATEMENT: usize = 1_600;

/// Runs an operation to its end, whatever becomes of the caller: a future that is dropped half
/// way must neither tear the operation nor leave its connection in the middle of a transaction.
async fn to_the_end<T: Send + 'static>(
    operation: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    match tokio::spawn(operation).await {
        Ok(result) => result,
        Err(_) => Err(Error::Unavailable(sqlx::Error::WorkerCrashed)),
    }
}

/// Adds `(a, b, c)` to a statement.
fn push_list<'t, T>(query: &mut QueryBuilder, values: impl IntoIterator<Item = T>)
where
    T: sqlx::Encode<'t, Db> + sqlx::Type<Db> + 't,
{
    query.push("(");
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value);
    }
    query.push(")");
}

/// Adds one to a counter; answers what it is then.
async fn count_up(connection: &mut Connection, name: &str) -> Result<i64> {
    let row = sqlx::query("UPDATE counter SET value = value + 1 WHERE name = $1 RETURNING value")
        .bind(name)
        .fetch_one(connection)
        .await?;
    Ok(row.try_get(0)?)
}

#[async_trait]
impl Store for Backend {
    async fn ready(&self) -> Result<()> {
        let mut transaction = self.begin_read().await?;
        sqlx::query("SELECT value FROM counter WHERE name = 'configuration'")
            .fetch_one(&mut *transaction)
            .await?;
        Ok(())
    }

    async fn take_node_number(&self) -> Result<i64> {
        let backend = self.clone();
        to_the_end(async move {
            let mut transaction = backend.begin().await?;
            let number = count_up(&mut transaction, "node").await?;
            transaction.commit().await?;
            Ok(number % NODES)
        })
        .await
    }

    async fn configuration_version(&self) -> Result<i64> {
        let mut transaction = self.begin_read().await?;
        configuration::version(&mut transaction).await
    }

    async fn configuration(&self) -> Result<Configuration> {
        self.read_configuration().await
    }

    async fn change_configuration(
        &self,
        changes: Vec<Change>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<i64> {
        let (backend, actor) = (self.clone(), actor.clone());
        to_the_end(async move { backend.make_changes(changes, &actor, now).await }).await
    }

    async fn note_verified(&self, connector: ConnectorId, at: Timestamp) -> Result<()> {
        let backend = self.clone();
        to_the_end(async move { backend.note_verification(connector, at).await }).await
    }

    async fn definition(&self, connector: ConnectorId, version: i64) -> Result<Option<Definition>> {
        self.read_definition(connector, version).await
    }

    async fn versions(&self, connector: ConnectorId, limit: usize) -> Result<Vec<Version>> {
        self.read_versions(connector, limit).await
    }

    async fn catalogue(&self, account: AccountId) -> Result<Option<(Timestamp, Catalogue)>> {
        self.read_catalogue(account).await
    }

    async fn store_catalogue(
        &self,
        account: AccountId,
        catalogue: &Catalogue,
        at: Timestamp,
    ) -> Result<()> {
        let backend = self.clone();
        let catalogue = catalogue.clone();
        to_the_end(async move { backend.write_catalogue(account, catalogue, at).await }).await
    }

    async fn field_changes(
        &self,
        account: AccountId,
        since: Timestamp,
    ) -> Result<Vec<(Timestamp, FieldChange)>> {
        self.read_field_changes(account, since).await
    }

    async fn store_deliveries(&self, deliveries: Vec<NewDelivery>) -> Result<()> {
        let backend = self.clone();
        to_the_end(async move { backend.keep_deliveries(deliveries).await }).await
    }

    async fn take_lease(
        &self,
        accounts: &[AccountId],
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>> {
        let (backend, accounts, holder) = (self.clone(), accounts.to_vec(), holder.to_owned());
        to_the_end(async move { backend.claim(accounts, &holder, ttl).await }).await
    }

    async fn renew_lease(&self, lease: &Lease, ttl: Duration) -> Result<()> {
        let (backend, lease) = (self.clone(), lease.clone());
        to_the_end(async move { backend.prolong(&lease, ttl).await }).await
    }

    async fn release_lease(&self, lease: &Lease) -> Result<()> {
        let (backend, lease) = (self.clone(), lease.clone());
        to_the_end(async move { backend.give_up(&lease).await }).await
    }

    async fn open_requests(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
        open: &HashSet<RequestId>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Unfinished>> {
        self.find_open(lease, connectors, open, now, limit).await
    }

    async fn arrivals_while_disabled(
        &self,
        lease: &Lease,
        connector: ConnectorId,
        limit: usize,
    ) -> Result<Vec<Unfinished>> {
        self.find_arrivals(lease, connector, limit).await
    }

    async fn waiting_records(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
        now: Timestamp,
    ) -> Result<Vec<WaitingRecord>> {
        self.find_waiting(lease, connectors, now).await
    }

    async fn wake_waiting(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
        now: Timestamp,
    ) -> Result<u64> {
        let (backend, lease, connectors) = (self.clone(), lease.clone(), connectors.to_vec());
        to_the_end(async move { backend.wake(&lease, &connectors, now).await }).await
    }

    async fn unsettled_intents(&self, lease: &Lease) -> Result<Vec<Intent>> {
        self.find_intents(lease).await
    }

    async fn links(&self, pair: Pair, side: Side, ids: &[String]) -> Result<Vec<Link>> {
        self.find_links(pair, side, ids).await
    }

    async fn gone(&self, account: AccountId, leads: &[String]) -> Result<Vec<String>> {
        self.find_gone(account, leads).await
    }

    async fn standing_reviews(&self, pair: Pair, ids: &[String]) -> Result<Vec<Standing>> {
        self.find_standing(pair, ids).await
    }

    async fn reviews(
        &self,
        filter: &ReviewFilter,
        limit: usize,
        after: Option<i64>,
    ) -> Result<(Vec<ReviewItem>, Option<i64>)> {
        self.find_reviews(filter, limit, after).await
    }

    async fn review(&self, id: i64) -> Result<Option<ReviewItem>> {
        self.find_review(id).await
    }

    async fn count_reviews(&self, filter: &ReviewFilter) -> Result<u64> {
        self.count_matching_reviews(filter).await
    }

    async fn release_field(
        &self,
        (pair, side): (Pair, Side),
        lead: &str,
        field: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let (backend, actor) = (self.clone(), actor.clone());
        let (lead, field) = (lead.to_owned(), field.to_owned());
        to_the_end(async move { backend.unfreeze(pair, side, &lead, &field, &actor, now).await })
            .await
    }

    async fn decide_review(
        &self,
        id: i64,
        choice: Option<&Choice>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Retried> {
        let (backend, choice, actor) = (self.clone(), choice.cloned(), actor.clone());
        to_the_end(async move { backend.decide(id, choice.as_ref(), &actor, now).await }).await
    }

    async fn record_progress(&self, lease: &Lease, progress: Progress) -> Result<()> {
        let (backend, lease) = (self.clone(), lease.clone());
        to_the_end(async move { backend.keep_progress(&lease, &progress).await }).await
    }

    async fn spent(&self, account: AccountId, day: i64) -> Result<u32> {
        self.count_spent(account, day).await
    }

    async fn requests(
        &self,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<RequestItem>, Option<Cursor>)> {
        self.find_requests(filter, page).await
    }

    async fn request_lines(
        &self,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<RequestLine>, Option<Cursor>)> {
        self.find_lines(filter, page).await
    }

    async fn count_requests(&self, filter: &Filter) -> Result<Counts> {
        self.count_found(filter).await
    }

    async fn neighbours(&self, request: RequestId, q: &str) -> Result<Neighbours> {
        self.find_neighbours(request, q).await
    }

    async fn history(&self, lead: &str) -> Result<(Vec<HistoryItem>, bool)> {
        self.find_history(lead).await
    }

    async fn delivery(&self, request: RequestId) -> Result<Option<Delivery>> {
        self.find_delivery(request).await
    }

    async fn count_links(&self, pair: Pair) -> Result<u64> {
        self.count_pair(pair).await
    }

    async fn failures(&self, filter: &Filter) -> Result<Vec<FailureGroup>> {
        self.group_failures(filter).await
    }

    async fn retry(&self, retry: &Retry, actor: &Actor, now: Timestamp) -> Result<Retried> {
        let (backend, retry, actor) = (self.clone(), retry.clone(), actor.clone());
        to_the_end(async move { backend.queue_again(&retry, &actor, now).await }).await
    }

    async fn retry_batches(&self) -> Result<Vec<RetryBatch>> {
        self.find_batches().await
    }

    async fn retry_batch(&self, id: i64) -> Result<Option<RetryBatch>> {
        self.find_batch(id).await
    }

    async fn cancel_retry_batch(&self, id: i64, actor: &Actor, now: Timestamp) -> Result<u64> {
        let (backend, actor) = (self.clone(), actor.clone());
        to_the_end(async move { backend.take_back_batch(id, &actor, now).await }).await
    }

    async fn cancel_retries(
        &self,
        selection: &Selection,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<u64> {
        let (backend, selection, actor) = (self.clone(), selection.clone(), actor.clone());
        to_the_end(async move { backend.take_back(&selection, &actor, now).await }).await
    }

    async fn health(&self, since: Timestamp) -> Result<Vec<Health>> {
        self.read_health(since).await
    }

    async fn steps(&self, span: &Span) -> Result<Vec<Step>> {
        self.read_steps(span).await
    }

    async fn causes(
        &self,
        between: (Timestamp, Timestamp),
        connectors: Option<&[ConnectorId]>,
        limit: usize,
    ) -> Result<Vec<Cause>> {
        self.read_causes(between, connectors, limit).await
    }

    async fn used(
        &self,
        windows: &[(AccountId, SignedDuration)],
        now: Timestamp,
    ) -> Result<Vec<Used>> {
        self.read_used(windows, now).await
    }

    async fn incidents(&self) -> Result<Vec<Incident>> {
        self.read_incidents().await
    }

    async fn count_failed_records(
        &self,
        connector: ConnectorId,
        since: Option<RequestId>,
    ) -> Result<u64> {
        self.count_failed(connector, since).await
    }

    async fn tell_incident(
        &self,
        incident: &Incident,
        mail: Option<NewMail>,
        now: Timestamp,
    ) -> Result<bool> {
        let (backend, incident) = (self.clone(), incident.clone());
        to_the_end(async move { backend.tell(&incident, mail, now).await }).await
    }

    async fn end_incident(
        &self,
        incident: &Incident,
        mail: Option<NewMail>,
        now: Timestamp,
    ) -> Result<bool> {
        let (backend, incident) = (self.clone(), incident.clone());
        to_the_end(async move { backend.end(&incident, mail, now).await }).await
    }

    async fn claim_mail(&self, now: Timestamp, until: Timestamp) -> Result<Option<ClaimedMail>> {
        let backend = self.clone();
        to_the_end(async move { backend.take_mail(now, until).await }).await
    }

    async fn end_mail(&self, mail: &ClaimedMail, end: MailEnd, now: Timestamp) -> Result<()> {
        let (backend, mail) = (self.clone(), mail.clone());
        to_the_end(async move { backend.finish_mail(&mail, end, now).await }).await
    }

    async fn mails(&self, limit: usize) -> Result<Vec<MailItem>> {
        self.read_mails(limit).await
    }
    async fn audit(
        &self,
        filter: &AuditFilter,
        limit: usize,
        after: Option<i64>,
    ) -> Result<(Vec<AuditItem>, Option<i64>)> {
        self.read_audit(filter, limit, after).await
    }

    async fn users(&self) -> Result<Vec<User>> {
        self.read_users().await
    }

    async fn password(&self, email: &str) -> Result<Option<PasswordHash>> {
        self.read_password(email).await
    }

    async fn api_tokens(&self) -> Result<Vec<ApiToken>> {
        self.read_api_tokens().await
    }

    async fn use_api_token(&self, hash: TokenHash, now: Timestamp) -> Result<Option<ApiToken>> {
        let Some(mut token) = self.find_api_token(hash, now).await? else { return Ok(None) };
        let day = users::day_of(now);
        // Kept to the day, so that reading with a token is not a write each time.
        if token.last_used_at.is_none_or(|last| last < day) {
            let backend = self.clone();
            to_the_end(async move { backend.mark_used(hash, day).await }).await?;
            token.last_used_at = Some(day);
        }
        Ok(Some(token))
    }

    async fn begin_session(&self, email: &str, new: NewSession, now: Timestamp) -> Result<bool> {
        let (backend, email) = (self.clone(), email.to_owned());
        to_the_end(async move { backend.start_session(&email, new, now).await }).await
    }

    async fn keep_link(&self, link: NewLink, mail: &NewMail, now: Timestamp) -> Result<()> {
        let (backend, mail) = (self.clone(), mail.clone());
        to_the_end(async move { backend.write_link(link, &mail, now).await }).await
    }

    async fn link_of(&self, hash: TokenHash, now: Timestamp) -> Result<Option<String>> {
        self.read_link(hash, now).await
    }

    async fn begin_session_by_link(
        &self,
        link: TokenHash,
        new: NewSession,
        now: Timestamp,
    ) -> Result<bool> {
        let backend = self.clone();
        to_the_end(async move { backend.start_session_by_link(link, new, now).await }).await
    }

    async fn guests(&self, now: Timestamp) -> Result<Vec<Guest>> {
        self.read_guests(now).await
    }

    async fn account_users(
        &self,
        email: &str,
    ) -> Result<Vec<(AccountId, Timestamp, Option<AccountUser>)>> {
        self.read_account_users(email).await
    }

    async fn store_account_user(
        &self,
        account: AccountId,
        email: &str,
        user: Option<&AccountUser>,
        at: Timestamp,
    ) -> Result<()> {
        let (backend, email, user) = (self.clone(), email.to_owned(), user.cloned());
        to_the_end(async move { backend.write_account_user(account, &email, user, at).await }).await
    }

    async fn use_session(&self, hash: TokenHash, now: Timestamp) -> Result<Option<Session>> {
        let Some((session, stale)) = self.find_session(hash, now).await? else { return Ok(None) };
        // Kept to some minutes, so that reading is not a write each time.
        if stale {
            let (backend, id) = (self.clone(), session.id);
            to_the_end(async move { backend.mark_seen(id, now).await }).await?;
        }
        Ok(Some(session))
    }

    async fn sessions(&self, of: &Session, now: Timestamp) -> Result<Vec<SessionItem>> {
        self.read_sessions(of, now).await
    }

    async fn end_sessions(&self, of: &Session, which: EndSessions) -> Result<()> {
        let (backend, of) = (self.clone(), of.clone());
        to_the_end(async move { backend.remove_sessions(&of, which).await }).await
    }

    async fn change_users(&self, change: UserChange, actor: &Actor, now: Timestamp) -> Result<()> {
        let (backend, actor) = (self.clone(), actor.clone());
        to_the_end(async move { backend.make_user_change(change, &actor, now).await }).await
    }
}
