import { seconds, type Duration } from '../model/durations.ts'
import { fetchFunctions } from '../model/fetch-functions.ts'
import type { InstanceSpec } from './backend.ts'

/** What a cloud's instance needs to become a worker. */
export type UserDataSpec = Pick<InstanceSpec<unknown>, 'agent' | 'id' | 'token'>

export interface UserDataOptions {
  /** Lines of POSIX shell that run as root before the agent is fetched. When they fail, the machine is powered off. */
  readonly before?: string
  /** Where the agent gets its token from, instead of from this script: '/dev/virtio-ports/ci.rouse.agent'. */
  readonly channel?: string
  /** After so long without a master the machine is powered off. Default 2 h. */
  readonly giveUp?: Duration
  /** Whether builds may reach the cloud's metadata service. Default false. */
  readonly metadata?: boolean
  /** The agent is root, and when the machine is powered off nothing of it stays on the disk. Default false. */
  readonly root?: boolean
  /** It runs at every boot and not only at the first: the machine is stopped and started again. Default false. */
  readonly everyBoot?: boolean
  /** PEM of the authority that signed the master's certificate, when it is not a well-known one. */
  readonly ca?: string
}

/**
 * The shell script that a cloud hands to a bare machine as user data; cloud-init runs it as root at the first boot. It fetches
 * the agent from the master, and a Node.js where there is none, checks their sha256, and runs the agent as the user `rouse`
 * with the instance's id and token. When the agent ends, the machine is powered off. The same for the same spec, and some 7 KB
 * long; a master that is only reached by a Unix socket is left out.
 */
export function userData(spec: UserDataSpec, options: UserDataOptions = {}): string {
  const { agent, id, token } = spec
  const {
    before = '',
    ca = '',
    channel = '',
    everyBoot = false,
    giveUp = '2h',
    metadata = false,
    root = false,
  } = options
  const masters = agent.masters.filter((url) => !url.startsWith('unix:')).map((url) => url.replace(/\/$/, ''))
  const sources = masters.map((url) => url.replace(/^ws/, 'http'))
  const values: Readonly<Record<string, string>> = {
    FUNCTIONS: fetchFunctions,
    BEFORE: before,
    SOURCES: sources.map(quoted).join(' '),
    MASTERS: masters.map((url) => `--master ${quoted(url)}`).join(' '),
    ID: quoted(id),
    TOKEN: quoted(channel ? '' : token),
    CHANNEL: quoted(channel),
    CA: quoted(ca),
    GIVE_UP: String(Math.round(seconds(giveUp))),
    METADATA: metadata ? 'yes' : '',
    ROOT: root ? 'yes' : '',
    AGENT: agent.sha256,
    MACHINE: quoted(agent.node?.machine ?? ''),
    LIBC: quoted(agent.node?.libc ?? ''),
    NODE: quoted(agent.node?.sha256 ?? ''),
  }
  const text = script.replaceAll(/@([A-Z_]+)@/g, (_, name: string) => values[name]!)
  return everyBoot ? atEveryBoot(text) : text
}

// By itself cloud-init runs a script once in the life of a machine.
function atEveryBoot(text: string): string {
  const part = (type: string, content: string) =>
    `--${boundary}\nContent-Type: ${type}; charset="utf-8"\nContent-Transfer-Encoding: 8bit\n\n${content}\n`
  return [
    `Content-Type: multipart/mixed; boundary="${boundary}"\nMIME-Version: 1.0\n\n`,
    part('text/cloud-config', '#cloud-config\ncloud_final_modules:\n- [scripts-user, always]\n'),
    part('text/x-shellscript', text),
    `--${boundary}--\n`,
  ].join('')
}

const boundary = '==rouse-user-data=='

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

// No `$` before a brace, and no backquote: this is a template. cloud-init shows what it prints on the console.
const script = String.raw`#!/bin/sh
# Makes this machine a worker of a Rouse master.
set -u
umask 022
id=@ID@ token=@TOKEN@ channel=@CHANNEL@ give_up=@GIVE_UP@ ca_file='' node=node
code=/opt/rouse home=/var/lib/rouse
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

say() {
  echo "rouse: $*"
}

# Seconds that no clock which is set meanwhile can change.
now() {
  cut -d . -f 1 /proc/uptime 2>/dev/null || date +%s
}

power_off() {
  say "$1: powering this machine off"
  rm -f "$home/token"
  if [ -n '@ROOT@' ]; then cd / && rm -rf "$home" "$code"; fi
  sync
  poweroff || poweroff -f || shutdown -h now || shutdown -p now
  exit 1
}

# A master that is away is waited for, but not for ever: a machine costs money.
patiently() {
  begun=$(now) pause=2
  until "$@"; do
    [ $(($(now) - begun)) -lt "$give_up" ] || power_off "it did not get what it needs within $give_up s"
    sleep $pause
    pause=$((pause * 2))
    [ $pause -le 60 ] || pause=60
  done
}

@FUNCTIONS@

# get NAME SHA256 FILE: from the first master that gives it
get() {
  for from in @SOURCES@; do
    if fetch_whole "$from/agent/$1" "$2" "$3"; then return 0; fi
  done
  return 1
}

find_node() {
  for node in node nodejs /usr/local/bin/node /opt/node/bin/node "$code/node"; do
    if is_node "$node" && as_user "$node" --version >/dev/null 2>&1; then return; fi
  done
  node=node
  [ "$(machine)" = @MACHINE@ ] ||
    power_off "there is no Node.js 20 or newer here, and the master has none for $(machine)"
  say 'fetching a Node.js from the master'
  patiently get node-@MACHINE@ @NODE@ "$code/node"
  chmod 755 "$code/node"
  node=$code/node
  as_user "$node" --version || power_off "the master's Node.js does not run here: it needs "@LIBC@' and libstdc++'
}

make_user() {
  if ! id rouse >/dev/null 2>&1; then
    if has useradd; then useradd -r -U -d "$home" -s /bin/sh rouse
    elif has pw; then pw useradd rouse -d "$home" -s /bin/sh
    else addgroup -S rouse && adduser -S -D -H -h "$home" -s /bin/sh -G rouse rouse
    fi || power_off 'the user rouse could not be made'
  fi
  mkdir -p "$home" "$code"
  chown rouse "$home"
  chmod 700 "$home"
  cd "$home" || exit 1
  # Of an earlier boot; what a build has put there in their place is not written to.
  rm -rf token gave-up
}

as_user() {
  if [ -n '@ROOT@' ]; then HOME=$home "$@"
  elif [ "$user_by" = setpriv ]; then
    HOME=$home USER=rouse LOGNAME=rouse SHELL=/bin/sh setpriv --reuid=rouse --regid="$(id -g rouse)" --init-groups "$@"
  else
    su -s /bin/sh -c 'exec "$@"' rouse -- sh "$@"
  fi
}

# The metadata service gives cloud credentials to whoever asks from here.
close_metadata() {
  uid=$(id -u rouse) closed=''
  if has iptables; then
    iptables -I OUTPUT -d 169.254.169.254 -m owner --uid-owner "$uid" -j REJECT && closed=yes
    ip6tables -I OUTPUT -d fd00:ec2::254 -m owner --uid-owner "$uid" -j REJECT
  fi
  if [ -z "$closed" ] && has nft; then
    printf '%s\n' 'table inet rouse {' 'chain output {' 'type filter hook output priority 0;' \
      "meta skuid $uid ip daddr 169.254.169.254 reject" "meta skuid $uid ip6 daddr fd00:ec2::254 reject" '}' '}' |
      nft -f - && closed=yes
  fi
  if [ -z "$closed" ] && has ip; then
    ip rule add uidrange "$uid-$uid" to 169.254.169.254 prohibit && closed=yes
    ip -6 rule add uidrange "$uid-$uid" to fd00:ec2::254 prohibit
  fi
  [ -n "$closed" ] || say 'builds can reach the metadata service: neither iptables nor nft nor ip could close it'
}

# A machine that was reset has an old clock, and only root can set it.
keep_clock() {
  rm -f "$code/clock"
  mkfifo -m 600 "$code/clock"
  chown rouse "$code/clock"
  while :; do
    read -r ms <"$code/clock" || { sleep 1 && continue; }
    case $ms in
      *[!0-9]* | '' | ?????????????????*) ;;
      *) date -s "@$((ms / 1000))" >/dev/null 2>&1 || date "$(date -r $((ms / 1000)) +%Y%m%d%H%M.%S)" >/dev/null ;;
    esac
  done &
}

# Not in a condition: there set -e would mean nothing.
(
  set -e
  :
@BEFORE@
)
[ $? -eq 0 ] || power_off 'what was to run first failed'
make_user
user_by=su
if has setpriv && setpriv --reuid=rouse --regid="$(id -g rouse)" --init-groups true 2>/dev/null; then user_by=setpriv; fi
if [ -z '@METADATA@' ]; then close_metadata 2>/dev/null; fi
ca=@CA@
if [ -n "$ca" ]; then
  ca_file=$code/ca.pem
  echo "$ca" >"$ca_file"
fi
find_node
patiently get rouse-agent.mjs @AGENT@ "$code/rouse-agent.mjs"

set -- --instance --name "$id" --base-dir "$home/builds" --give-up "$give_up" --give-up-command 'touch gave-up' @MASTERS@
if [ -n "$ca_file" ]; then set -- "$@" --ca-file "$ca_file"; fi
if [ -n "$channel" ]; then
  patiently [ -e "$channel" ]
  chown rouse "$channel"
  keep_clock
  set -- "$@" --channel "$channel" --clock "$code/clock"
else
  (umask 077 && set -C && printf %s "$token" >token && chown -h rouse token)
  set -- "$@" --password-file "$home/token" --remove-password-file
fi
token='' failures=0
say "starting the agent of $id"
while :; do
  since=$(now)
  as_user "$node" "$code/rouse-agent.mjs" "$@"
  ended=$?
  [ ! -e gave-up ] || power_off 'the agent gave up'
  [ $ended -ne 0 ] || power_off 'the agent has ended'
  [ $(($(now) - since)) -lt 60 ] || failures=0
  failures=$((failures + 1))
  [ $failures -lt 5 ] || power_off "the agent failed $failures times"
  say "the agent failed with $ended and is started again"
  sleep 5
done
`
