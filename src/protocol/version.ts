/** WebSocket subprotocol of `GET /agent`. */
export const subprotocol = 'rouse.agent.v1'
/** Raised when a message changes its meaning. Agent and master refuse each other when theirs differ. */
export const protocolVersion = 1
