/** Names of a step's further logs; 'stdio', 'stdio-2' and so on have what its commands print. */
export const logNamePattern = '^(?!stdio(-[0-9]+)?$)[^\\u0000-\\u001f\\u007f]{1,100}$'

/** Files of one command that are followed. */
export const maxLogFiles = 16
