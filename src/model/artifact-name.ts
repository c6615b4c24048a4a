/**
 * What is wrong with the name of an artifact; undefined when it is fine: a relative path with '/' that leads nowhere but
 * down, such as 'dist/app.tgz', on every file system.
 */
export function artifactNameProblem(name: unknown): string | undefined {
  if (typeof name !== 'string' || name === '')
    return 'the name of an artifact must be a string that is not empty'
  const shown = JSON.stringify(name.slice(0, 80))
  if (name.length > 512) return `the name ${shown}... of an artifact has more than 512 characters`
  if (/[\p{Cc}\p{Cf}\p{Cs}\\:]/u.test(name))
    return `the name ${shown} of an artifact has a backslash, a colon or a control character`
  const parts = name.split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..' || Buffer.byteLength(part) > 255))
    return `the name ${shown} of an artifact must be a relative path without "." and ".."`
  return undefined
}
