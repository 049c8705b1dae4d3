// A certified OpenID Connect provider, with a sign-in page of its own and people that a test chooses.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const CLIENT = "leadsync";
export const CLIENT_SECRET = "the secret of leadsync at the provider";
const SCOPES = "openid email profile groups";

const page = (uid) => `<!doctype html><html lang="en"><title>Example Care</title><h1>Example Care</h1>
<form method="post" action="/interaction/${uid}"><label>Account <input name="account"></label>
<button name="act" value="in">Continue</button> <button name="act" value="cancel">Cancel</button></form>`;

const read = async (request) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  return new URLSearchParams(body);
};

/** It. `people` has everybody's claims by the provider's name for them. */
export class OpenIdProvider {
  people = new Map();
  said = "";

  static async start() {
    const provider = new OpenIdProvider();
    provider.server = createServer((request, response) => {
      provider.answer(request, response).catch((error) => {
        provider.said += `${error.stack}\n`;
        response.writeHead(500).end();
      });
    });
    await new Promise((resolve) => { provider.server.listen(0, "127.0.0.1", resolve); });
    provider.issuer = `http://127.0.0.1:${provider.server.address().port}`;
    return provider;
  }

  /** The settings of a service that people sign in to with it. */
  settings(folder, more = {}) {
    return {
      LEADSYNC_OIDC_ISSUER: this.issuer, LEADSYNC_OIDC_CLIENT_ID: CLIENT, LEADSYNC_OIDC_CLIENT_SECRET_FILE: folder,
      LEADSYNC_OIDC_NAME: "Example Care", LEADSYNC_OIDC_SCOPES: "email,profile,groups", ...more,
    };
  }

  /** From now on it sends people back to this service. */
  serves(service) {
    const findAccount = (_, id) => this.people.has(id) && { accountId: id, claims: () => ({ sub: id, ...this.people.get(id) }) };
    this.provider = new Provider(this.issuer, {
      clients: [{ client_id: CLIENT, client_secret: CLIENT_SECRET, redirect_uris: [`${service.base}/sign-in/oidc/callback`] }],
      claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
      scopes: SCOPES.split(" "),
      cookies: { keys: ["of the cookies of this provider"] },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_, { uid }) => `/interaction/${uid}` },
      pkce: { required: () => true },
      findAccount,
      // Nobody is asked for consent.
      loadExistingGrant: async ({ oidc }) => {
        const { Grant } = oidc.provider;
        const grant = new Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
        grant.addOIDCScope(SCOPES);
        await grant.save();
        return grant;
      },
    });
    this.provider.on("server_error", (_, error) => { this.said += `${error.stack}\n`; });
    this.handle = this.provider.callback();
  }

  async answer(request, response) {
    if (request.url === "/favicon.ico") return response.writeHead(204).end();
    const [, uid] = /^\/interaction\/([^/?]+)/.exec(request.url) ?? [];
    if (!uid) return this.handle(request, response);
    if (request.method === "GET") {
      response.writeHead(200, { "content-type": "text/html" }).end(page(uid));
      return undefined;
    }
    const form = await read(request);
    const result = form.get("act") === "in"
      ? { login: { accountId: form.get("account") } }
      : { error: "access_denied", error_description: "the person cancelled" };
    return this.provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }

  end() {
    this.server.closeAllConnections();
    return new Promise((resolve) => { this.server.close(resolve); });
  }
}
