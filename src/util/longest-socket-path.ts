/** Bytes that the path of a Unix socket may have: one less than sun_path holds, for the final zero. */
export const longestSocketPath = process.platform === 'linux' ? 107 : 103
