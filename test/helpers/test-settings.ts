/** For PostgreSQL in tests: it survives that processes are killed, as ever, but not a crash of the machine. */
export const testSettings = { fsync: 'off', full_page_writes: 'off' }
