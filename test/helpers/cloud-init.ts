/** The script that cloud-init would run of some user data at a machine's n-th boot; undefined: none. */
export function scriptAt(boot: number, userData: string): string | undefined {
  if (userData.startsWith('#!')) return boot === 1 ? userData : undefined
  const boundary = /^Content-Type: multipart\/mixed; boundary="([^"]+)"/.exec(userData)?.[1]
  if (boundary === undefined) throw new Error('this is neither a script nor MIME')
  const parts = userData
    .split(`\n--${boundary}`)
    .slice(1)
    .map((part) => {
      const [head = '', ...content] = part.split('\n\n')
      return { type: /^Content-Type: ([\w/-]+)/m.exec(head)?.[1], content: content.join('\n\n') }
    })
  const config = parts.find(({ type }) => type === 'text/cloud-config')?.content ?? ''
  const script = parts.find(({ type }) => type === 'text/x-shellscript')?.content
  const isAlways =
    config.startsWith('#cloud-config\n') && /^cloud_final_modules:\n- \[scripts-user, always\]$/m.test(config)
  return boot === 1 || isAlways ? script : undefined
}
