// A token endpoint that is not ours, with Vault's documented bodies. It knows one refresh token at a time: a log-in
// begins with "first", each grant brings the next one, and SIGHUP ends it.
import { randomUUID, webcrypto } from "node:crypto";

// Node 18 has it without a global name, and the packages use that name as soon as they are read.
globalThis.crypto ??= webcrypto;
const { OAuth2Server } = await import("oauth2-mock-server");

let live = "first";
let ended = false;
process.on("SIGHUP", () => (ended = true));

const server = new OAuth2Server();
await server.issuer.keys.generate("RS256");
server.service.on("beforeResponse", (response, request) => {
  if (ended) {
    response.statusCode = 401;
    response.body = {
      status: "UNAUTHORIZED",
      message: "The Token has expired on 2025-01-01T00:00:00.000Z",
      traceId: "TraceId unavailable",
      errors: [],
    };
  } else if (request.body.grant_type !== "refresh_token" || request.body.refresh_token !== live) {
    response.statusCode = 400;
    response.body = { error: "invalid_grant" };
  } else {
    live = randomUUID();
    response.body = {
      access_token: response.body.access_token,
      token_type: "Bearer",
      refresh_token: live,
      scope: "accounts:create accounts:read",
      expires_in: 4,
      user_id: "usr:b06d9aaa-4310-4c0d-9e5343c1b35",
    };
  }
});
await server.start(0, "127.0.0.1");
console.log(`listening on http://127.0.0.1:${server.address().port}`);
