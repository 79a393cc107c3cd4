/**
 * A relay (spec/http.md, "Relay"): the front end of a service, which knows its users and vouches for them to a vault.
 *
 * @module
 */
export { assertExchange, ASSERTION_SECONDS } from './assert.ts';
export { readRelayConfig, RelayConfig, RELAY_CONFIG_FILE, RELAY_VARIABLES } from './config.ts';
export { initRelay } from './init.ts';
export { serveRelay, type RelayEvent, type RelayServer, type ServeRelayOptions } from './server.ts';
export { addToken, removeTokens } from './tokens.ts';
