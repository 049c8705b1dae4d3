//! The conversation with the provider.

use std::fmt::Display;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessToken, AsyncHttpClient, AuthType, AuthenticationFlow, AuthorizationCode,
    ClaimsVerificationError, Client, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IdTokenFields,
    IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, SignatureVerificationError, StandardErrorResponse,
    StandardTokenResponse, SubjectIdentifier, TokenResponse, UserInfoClaims,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use url::Url;

use crate::claims::{Identity, Others};
use crate::{Error, Settings};

/// How long the provider's metadata and keys are used before they are read again.
const KNOWN_FOR: Duration = Duration::from_hours(1);
/// The time for a whole response.
const DEADLINE: Duration = Duration::from_secs(10);
/// The longest response, in bytes: metadata and keys have a few kilobytes.
const LONGEST_RESPONSE: usize = 1 << 20;

type Fields = IdTokenFields<
    Others,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Tokens = StandardTokenResponse<Fields, CoreTokenType>;
type Relying = Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What belongs to one attempt to sign in. Only the browser that began it knows `nonce` and
/// `verifier`.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Comes back with the code.
    pub state: String,
    /// Comes back in the signed token.
    pub nonce: SecretString,
    /// Shows that whoever redeems the code began the attempt: 43 to 128 letters and digits.
    pub verifier: SecretString,
}

/// An OpenID Connect provider.
#[derive(Debug)]
pub struct Provider {
    settings: Settings,
    redirect_url: RedirectUrl,
    http: Http,
    known: Mutex<Option<(Instant, Arc<CoreProviderMetadata>)>>,
}

impl Provider {
    /// A provider, which sends browsers back to `redirect_url`. It is not asked yet: leadsync starts
    /// without it, too.
    ///
    /// # Errors
    /// This machine can't make TLS connections, or the address is not valid.
    pub fn new(settings: Settings, redirect_url: &str) -> Result<Self, Error> {
        leadsquared::ensure_tls_provider();
        let http = reqwest::Client::builder()
            .timeout(DEADLINE)
            // The library requires it: otherwise a provider could have internal services called.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| unavailable(&error))?;
        let redirect_url = RedirectUrl::new(redirect_url.to_owned());
        let redirect_url = redirect_url.map_err(|error| unavailable(&error))?;
        Ok(Self { settings, redirect_url, http: Http(http), known: Mutex::default() })
    }

    /// What the provider is called, and who gets which role.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The provider's address for this attempt. `again`: the person is to prove who they are, even
    /// if they are signed in at the provider.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn start(&self, attempt: &Attempt, again: bool) -> Result<Url, Error> {
        let client = self.client(false).await?;
        let (state, nonce) = (attempt.state.clone(), nonce(attempt));
        let mut request = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                || CsrfToken::new(state),
                || nonce,
            )
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier(attempt)))
            .add_scopes(self.settings.scopes.iter().cloned().map(Scope::new));
        if again {
            request = request.add_prompt(CoreAuthPrompt::Login).set_max_age(Duration::ZERO);
        }
        let (url, _, _) = request.url();
        Ok(url)
    }

    /// Who came back with this code. `state` and `issuer` are what came back with it; the caller has
    /// found the attempt by its own means.
    ///
    /// # Errors
    /// [`Error::Refused`]: the code or the token is not one for this attempt.
    pub async fn finish(
        &self,
        (code, state, issuer): (&str, &str, Option<&str>),
        attempt: &Attempt,
    ) -> Result<Identity, Error> {
        if state != attempt.state {
            return Err(Error::Refused("it belongs to another attempt".to_owned()));
        }
        // RFC 9207: an answer of another provider.
        if let Some(issuer) = issuer.filter(|issuer| *issuer != self.settings.issuer) {
            return Err(Error::Refused(format!("it comes from another issuer, {issuer:?}")));
        }
        let client = self.client(false).await?;
        let tokens = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|error| unavailable(&error))?
            .set_pkce_verifier(verifier(attempt))
            .request_async(&self.http)
            .await
            .map_err(not_exchanged)?;
        match self.identify(&client, &tokens, attempt).await {
            // The provider may have replaced its keys since they were read.
            Err(NotIdentified::UnknownKey) => {
                let client = self.client(true).await?;
                self.identify(&client, &tokens, attempt).await.map_err(Error::from)
            }
            result => result.map_err(Error::from),
        }
    }

    async fn identify(
        &self,
        client: &Relying,
        tokens: &Tokens,
        attempt: &Attempt,
    ) -> Result<Identity, NotIdentified> {
        let token = tokens.id_token().ok_or_else(|| refused(&"it has no ID token"))?;
        let verifier = client.id_token_verifier();
        let claims = token.claims(&verifier, &nonce(attempt))?;
        if let Some(expected) = claims.access_token_hash() {
            let algorithm = token.signing_alg().map_err(|error| refused(&error))?;
            let key = token.signing_key(&verifier).map_err(|error| refused(&error))?;
            let actual =
                openidconnect::AccessTokenHash::from_token(tokens.access_token(), algorithm, key);
            if actual.map_err(|error| refused(&error))? != *expected {
                return Err(refused(&"the access token is not the ID token's").into());
            }
        }
        let mut email = claims.email().map(|email| email.to_string());
        let mut is_verified = claims.email_verified();
        let rules = &self.settings.roles;
        let mut values = claims.additional_claims().values(&rules.claim);
        // Many providers give these only when they are asked for.
        if email.is_none() || (rules.are_given() && values.is_none()) {
            let more = self.more(client, tokens.access_token(), claims.subject()).await?;
            if let Some(more) = more {
                if email.is_none() {
                    email = more.email().map(|email| email.to_string());
                    is_verified = more.email_verified();
                }
                values = values.or_else(|| more.additional_claims().values(&rules.claim));
            }
        }
        let proved_at = claims.auth_time().map(|at| Timestamp::from_second(at.timestamp()));
        Ok(Identity {
            issuer: claims.issuer().to_string(),
            subject: claims.subject().to_string(),
            has_verified_email: email.is_some()
                && (is_verified == Some(true) || self.settings.trusts_emails),
            email: email.map(|email| email.trim().to_lowercase()),
            role: rules.role_of(&values.unwrap_or_default()),
            proved_at: proved_at.and_then(Result::ok),
        })
    }

    /// The claims that the provider gives to whoever has the access token, if it has an address for
    /// that.
    async fn more(
        &self,
        client: &Relying,
        token: &AccessToken,
        subject: &SubjectIdentifier,
    ) -> Result<Option<UserInfoClaims<Others, CoreGenderClaim>>, Error> {
        let Ok(request) = client.user_info(token.clone(), Some(subject.clone())) else {
            return Ok(None);
        };
        let claims = request.request_async(&self.http).await;
        claims.map(Some).map_err(|error| Error::Refused(with_causes(&error)))
    }

    /// The provider with its metadata, which is read if it is unknown, old, or to be read `anew`.
    async fn client(&self, anew: bool) -> Result<Relying, Error> {
        let mut known = self.known.lock().await;
        let metadata = match &*known {
            Some((at, metadata)) if !anew && at.elapsed() < KNOWN_FOR => metadata.clone(),
            _ => {
                let issuer = IssuerUrl::new(self.settings.issuer.clone());
                let issuer = issuer.map_err(|error| unavailable(&error))?;
                let read = CoreProviderMetadata::discover_async(issuer, &self.http).await;
                let metadata = Arc::new(read.map_err(|error| unavailable(&error))?);
                *known = Some((Instant::now(), metadata.clone()));
                metadata
            }
        };
        drop(known);
        let secret = self.settings.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let id = ClientId::new(self.settings.client_id.clone());
        let client = Client::from_provider_metadata((*metadata).clone(), id, secret);
        let methods = metadata.token_endpoint_auth_methods_supported();
        let wants_body = methods.is_some_and(|methods| {
            methods.contains(&CoreClientAuthMethod::ClientSecretPost)
                && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
        });
        let client = client.set_redirect_uri(self.redirect_url.clone());
        Ok(if wants_body { client.set_auth_type(AuthType::RequestBody) } else { client })
    }
}

/// Calls the provider.
#[derive(Debug)]
struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let request = reqwest::Request::try_from(request)?;
            let mut response = self.0.execute(request).await?;
            let mut answer = HttpResponse::new(Vec::new());
            *answer.status_mut() = response.status();
            *answer.headers_mut() = response.headers().clone();
            while let Some(chunk) = response.chunk().await? {
                if answer.body().len() + chunk.len() > LONGEST_RESPONSE {
                    return Err(HttpError::TooLong);
                }
                answer.body_mut().extend_from_slice(&chunk);
            }
            Ok(answer)
        })
    }
}

#[derive(Debug, thiserror::Error)]
enum HttpError {
    #[error(transparent)]
    Failed(#[from] reqwest::Error),
    #[error("the response is longer than {LONGEST_RESPONSE} bytes")]
    TooLong,
}

/// Why a token does not say who somebody is.
#[derive(Debug)]
enum NotIdentified {
    /// It is signed with a key that the provider did not have when its keys were read.
    UnknownKey,
    Failed(Error),
}

impl From<ClaimsVerificationError> for NotIdentified {
    fn from(error: ClaimsVerificationError) -> Self {
        use ClaimsVerificationError::SignatureVerification;
        use SignatureVerificationError::{CryptoError, NoMatchingKey};
        match &error {
            SignatureVerification(NoMatchingKey | CryptoError(_)) => Self::UnknownKey,
            _ => Self::Failed(Error::Refused(with_causes(&error))),
        }
    }
}

impl From<Error> for NotIdentified {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<NotIdentified> for Error {
    fn from(why: NotIdentified) -> Self {
        match why {
            NotIdentified::UnknownKey => {
                Self::Refused("its signature matches none of the provider's keys".to_owned())
            }
            NotIdentified::Failed(error) => error,
        }
    }
}

fn nonce(attempt: &Attempt) -> Nonce {
    Nonce::new(attempt.nonce.expose_secret().to_owned())
}

fn verifier(attempt: &Attempt) -> PkceCodeVerifier {
    PkceCodeVerifier::new(attempt.verifier.expose_secret().to_owned())
}

fn refused(what: &dyn Display) -> Error {
    Error::Refused(what.to_string())
}

fn unavailable(error: &(dyn std::error::Error + 'static)) -> Error {
    Error::Unavailable(with_causes(error))
}

/// Why a code was not exchanged for tokens: a refused one is not the same as a silent provider.
fn not_exchanged(
    error: RequestTokenError<HttpError, StandardErrorResponse<CoreErrorResponseType>>,
) -> Error {
    match error {
        RequestTokenError::ServerResponse(answer) => Error::Refused(answer.to_string()),
        // The bytes that could not be parsed may hold tokens: they are not shown.
        RequestTokenError::Parse(error, _) => Error::Refused(with_causes(&error)),
        RequestTokenError::Request(error) => unavailable(&error),
        RequestTokenError::Other(what) => Error::Refused(what),
    }
}

/// An error with its causes, each once.
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let next_text = next.to_string();
        if !text.contains(&next_text) {
            text = format!("{text}: {next_text}");
        }
        cause = next.source();
    }
    text
}
