//! The rest of the store, handed on.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use plan::access::AccountUser;
use plan::id::{AccountId, ConnectorId, RequestId};
use plan::incident::Incident;
use plan::link::{Link, Pair, Side};
use plan::metadata::{Catalogue, FieldChange};
use plan::review::Choice;
use store::{
    Actor, ApiToken, AuditFilter, AuditItem, Cause, Change, ClaimedMail, Configuration, Counts,
    Cursor, Delivery, EndSessions, FailureGroup, Filter, Guest, Health, HistoryItem, Intent, Lease,
    MailEnd, MailItem, Neighbours, NewDelivery, NewLink, NewMail, NewSession, Page, PasswordHash,
    Progress, RequestItem, RequestLine, Result, Retried, Retry, RetryBatch, ReviewFilter,
    ReviewItem, Selection, Session, SessionItem, Span, Standing, Step, Store, TokenHash,
    Unfinished, Used, User, UserChange, Version, WaitingRecord,
};

use super::Faulty;

#[async_trait]
impl Store for Faulty {
    async fn ready(&self) -> Result<()> {
        self.failure()?;
        self.inner.ready().await
    }
    async fn take_node_number(&self) -> Result<i64> {
        self.inner.take_node_number().await
    }
    async fn configuration_version(&self) -> Result<i64> {
        self.failure()?;
        self.inner.configuration_version().await
    }
    async fn configuration(&self) -> Result<Configuration> {
        self.failure()?;
        self.inner.configuration().await
    }
    async fn change_configuration(
        &self,
        changes: Vec<Change>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<i64> {
        self.inner.change_configuration(changes, actor, now).await
    }
    async fn note_verified(&self, connector: ConnectorId, at: Timestamp) -> Result<()> {
        self.inner.note_verified(connector, at).await
    }
    async fn definition(
        &self,
        connector: ConnectorId,
        version: i64,
    ) -> Result<Option<plan::connector::Definition>> {
        self.inner.definition(connector, version).await
    }
    async fn versions(&self, connector: ConnectorId, limit: usize) -> Result<Vec<Version>> {
        self.inner.versions(connector, limit).await
    }
    async fn catalogue(&self, account: AccountId) -> Result<Option<(Timestamp, Catalogue)>> {
        self.inner.catalogue(account).await
    }
    async fn store_catalogue(
        &self,
        account: AccountId,
        catalogue: &Catalogue,
        at: Timestamp,
    ) -> Result<()> {
        self.inner.store_catalogue(account, catalogue, at).await
    }
    async fn field_changes(
        &self,
        account: AccountId,
        since: Timestamp,
    ) -> Result<Vec<(Timestamp, FieldChange)>> {
        self.inner.field_changes(account, since).await
    }
    async fn store_deliveries(&self, deliveries: Vec<NewDelivery>) -> Result<()> {
        self.keep(deliveries).await
    }
    async fn take_lease(
        &self,
        accounts: &[AccountId],
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>> {
        self.inner.take_lease(accounts, holder, ttl).await
    }
    async fn renew_lease(&self, lease: &Lease, ttl: Duration) -> Result<()> {
        self.inner.renew_lease(lease, ttl).await
    }
    async fn release_lease(&self, lease: &Lease) -> Result<()> {
        self.inner.release_lease(lease).await
    }
    async fn open_requests(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
        open: &HashSet<RequestId>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Unfinished>> {
        self.inner.open_requests(lease, connectors, open, now, limit).await
    }
    async fn waiting_records(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
        now: Timestamp,
    ) -> Result<Vec<WaitingRecord>> {
        self.inner.waiting_records(lease, connectors, now).await
    }
    async fn wake_waiting(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
        now: Timestamp,
    ) -> Result<u64> {
        self.inner.wake_waiting(lease, connectors, now).await
    }
    async fn unsettled_intents(&self, lease: &Lease) -> Result<Vec<Intent>> {
        self.inner.unsettled_intents(lease).await
    }
    async fn links(&self, pair: Pair, side: Side, ids: &[String]) -> Result<Vec<Link>> {
        self.inner.links(pair, side, ids).await
    }
    async fn record_progress(&self, lease: &Lease, progress: Progress) -> Result<()> {
        self.inner.record_progress(lease, progress).await
    }
    async fn spent(&self, account: AccountId, day: i64) -> Result<u32> {
        self.inner.spent(account, day).await
    }
    async fn requests(
        &self,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<RequestItem>, Option<Cursor>)> {
        self.inner.requests(filter, page).await
    }
    async fn delivery(&self, request: RequestId) -> Result<Option<Delivery>> {
        self.inner.delivery(request).await
    }
    async fn count_links(&self, pair: Pair) -> Result<u64> {
        self.inner.count_links(pair).await
    }
    async fn arrivals_while_disabled(
        &self,
        lease: &Lease,
        connector: ConnectorId,
        limit: usize,
    ) -> Result<Vec<Unfinished>> {
        self.inner.arrivals_while_disabled(lease, connector, limit).await
    }
    async fn failures(&self, filter: &Filter) -> Result<Vec<FailureGroup>> {
        self.inner.failures(filter).await
    }
    async fn health(&self, since: Timestamp) -> Result<Vec<Health>> {
        self.failure()?;
        self.inner.health(since).await
    }
    async fn steps(&self, span: &Span) -> Result<Vec<Step>> {
        self.inner.steps(span).await
    }
    async fn causes(
        &self,
        between: (Timestamp, Timestamp),
        connectors: Option<&[ConnectorId]>,
        limit: usize,
    ) -> Result<Vec<Cause>> {
        self.inner.causes(between, connectors, limit).await
    }
    async fn used(
        &self,
        windows: &[(AccountId, SignedDuration)],
        now: Timestamp,
    ) -> Result<Vec<Used>> {
        self.inner.used(windows, now).await
    }
    async fn request_lines(
        &self,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<RequestLine>, Option<Cursor>)> {
        self.read()?;
        self.inner.request_lines(filter, page).await
    }
    async fn count_requests(&self, filter: &Filter) -> Result<Counts> {
        self.inner.count_requests(filter).await
    }
    async fn neighbours(&self, request: RequestId, q: &str) -> Result<Neighbours> {
        self.inner.neighbours(request, q).await
    }
    async fn history(&self, lead: &str) -> Result<(Vec<HistoryItem>, bool)> {
        self.inner.history(lead).await
    }
    async fn retry(&self, retry: &Retry, actor: &Actor, now: Timestamp) -> Result<Retried> {
        self.inner.retry(retry, actor, now).await
    }
    async fn gone(&self, account: AccountId, leads: &[String]) -> Result<Vec<String>> {
        self.inner.gone(account, leads).await
    }
    async fn standing_reviews(&self, pair: Pair, ids: &[String]) -> Result<Vec<Standing>> {
        self.inner.standing_reviews(pair, ids).await
    }
    async fn reviews(
        &self,
        filter: &ReviewFilter,
        limit: usize,
        after: Option<i64>,
    ) -> Result<(Vec<ReviewItem>, Option<i64>)> {
        self.inner.reviews(filter, limit, after).await
    }
    async fn review(&self, id: i64) -> Result<Option<ReviewItem>> {
        self.inner.review(id).await
    }
    async fn count_reviews(&self, filter: &ReviewFilter) -> Result<u64> {
        self.inner.count_reviews(filter).await
    }
    async fn release_field(
        &self,
        end: (Pair, Side),
        lead: &str,
        field: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool> {
        self.inner.release_field(end, lead, field, actor, now).await
    }
    async fn decide_review(
        &self,
        id: i64,
        choice: Option<&Choice>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Retried> {
        self.inner.decide_review(id, choice, actor, now).await
    }
    async fn retry_batches(&self) -> Result<Vec<RetryBatch>> {
        self.inner.retry_batches().await
    }
    async fn retry_batch(&self, id: i64) -> Result<Option<RetryBatch>> {
        self.inner.retry_batch(id).await
    }
    async fn cancel_retry_batch(&self, id: i64, actor: &Actor, now: Timestamp) -> Result<u64> {
        self.inner.cancel_retry_batch(id, actor, now).await
    }
    async fn cancel_retries(
        &self,
        selection: &Selection,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<u64> {
        self.inner.cancel_retries(selection, actor, now).await
    }
    async fn incidents(&self) -> Result<Vec<Incident>> {
        self.inner.incidents().await
    }
    async fn count_failed_records(
        &self,
        connector: ConnectorId,
        since: Option<RequestId>,
    ) -> Result<u64> {
        self.inner.count_failed_records(connector, since).await
    }
    async fn tell_incident(
        &self,
        incident: &Incident,
        mail: Option<NewMail>,
        now: Timestamp,
    ) -> Result<bool> {
        self.inner.tell_incident(incident, mail, now).await
    }
    async fn end_incident(
        &self,
        incident: &Incident,
        mail: Option<NewMail>,
        now: Timestamp,
    ) -> Result<bool> {
        self.inner.end_incident(incident, mail, now).await
    }
    async fn claim_mail(&self, now: Timestamp, until: Timestamp) -> Result<Option<ClaimedMail>> {
        self.inner.claim_mail(now, until).await
    }
    async fn end_mail(&self, mail: &ClaimedMail, end: MailEnd, now: Timestamp) -> Result<()> {
        self.inner.end_mail(mail, end, now).await
    }
    async fn mails(&self, limit: usize) -> Result<Vec<MailItem>> {
        self.inner.mails(limit).await
    }
    async fn audit(
        &self,
        filter: &AuditFilter,
        limit: usize,
        after: Option<i64>,
    ) -> Result<(Vec<AuditItem>, Option<i64>)> {
        self.inner.audit(filter, limit, after).await
    }
    async fn users(&self) -> Result<Vec<User>> {
        self.inner.users().await
    }
    async fn password(&self, email: &str) -> Result<Option<PasswordHash>> {
        self.inner.password(email).await
    }
    async fn api_tokens(&self) -> Result<Vec<ApiToken>> {
        self.inner.api_tokens().await
    }
    async fn use_api_token(&self, hash: TokenHash, now: Timestamp) -> Result<Option<ApiToken>> {
        self.failure()?;
        self.inner.use_api_token(hash, now).await
    }
    async fn begin_session(&self, email: &str, new: NewSession, now: Timestamp) -> Result<bool> {
        self.inner.begin_session(email, new, now).await
    }
    async fn keep_link(&self, link: NewLink, mail: &NewMail, now: Timestamp) -> Result<()> {
        self.inner.keep_link(link, mail, now).await
    }
    async fn link_of(&self, hash: TokenHash, now: Timestamp) -> Result<Option<String>> {
        self.inner.link_of(hash, now).await
    }
    async fn begin_session_by_link(
        &self,
        link: TokenHash,
        new: NewSession,
        now: Timestamp,
    ) -> Result<bool> {
        self.inner.begin_session_by_link(link, new, now).await
    }
    async fn guests(&self, now: Timestamp) -> Result<Vec<Guest>> {
        self.inner.guests(now).await
    }
    async fn account_users(
        &self,
        email: &str,
    ) -> Result<Vec<(AccountId, Timestamp, Option<AccountUser>)>> {
        self.inner.account_users(email).await
    }
    async fn store_account_user(
        &self,
        account: AccountId,
        email: &str,
        user: Option<&AccountUser>,
        at: Timestamp,
    ) -> Result<()> {
        self.inner.store_account_user(account, email, user, at).await
    }
    async fn use_session(&self, hash: TokenHash, now: Timestamp) -> Result<Option<Session>> {
        self.failure()?;
        self.inner.use_session(hash, now).await
    }
    async fn sessions(&self, of: &Session, now: Timestamp) -> Result<Vec<SessionItem>> {
        self.inner.sessions(of, now).await
    }
    async fn end_sessions(&self, of: &Session, which: EndSessions) -> Result<()> {
        self.inner.end_sessions(of, which).await
    }
    async fn change_users(&self, change: UserChange, actor: &Actor, now: Timestamp) -> Result<()> {
        self.inner.change_users(change, actor, now).await
    }
}
