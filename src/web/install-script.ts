import { fetchFunctions } from '../model/fetch-functions.ts'
import { workerUnit } from '../model/worker-unit.ts'

export interface InstallOptions {
  /** Where the agent fetches itself from and connects to, unless the script is told otherwise; plain characters only. */
  readonly master: string | undefined
  /** Of the agent, in hexadecimal. */
  readonly sha256: string
  /** What a machine without a Node.js gets. */
  readonly node?: { readonly machine: string; readonly libc: string; readonly sha256: string } | undefined
}

/** A POSIX shell script that installs the agent on a machine, with a Node.js where there is none, and can start it. */
export function installScript({ master = '', node, sha256 }: InstallOptions): string {
  const values: Readonly<Record<string, string>> = {
    MASTER: master,
    SHA256: sha256,
    FUNCTIONS: fetchFunctions,
    UNIT: workerUnit({
      name: '$name',
      command: '$command',
      user: '$user',
      protectHome: '$protect_home',
    }).replace('$MAINPID', String.raw`\$MAINPID`),
    MACHINE: node?.machine ?? '',
    LIBC: node?.libc ?? '',
    NODE: node?.sha256 ?? '',
  }
  return script.replaceAll(/@([A-Z\d]+)@/g, (_, name: string) => values[name]!)
}

// No `$` before a brace, and no backquote: this is a template.
const script = String.raw`#!/bin/sh
# Installs the agent of a Rouse master on this machine.
set -eu

usage() {
  cat <<'END'
Usage: sh install.sh [options] [-- more options of the agent]
   or: curl -fsSL MASTER/agent/install.sh | sh -s -- [options]

Without --name it installs the agent and prints how to start it; with --name it starts it.

  --name N             the worker's name in master.config.ts
  --password-file F    a file that holds only the worker's password
  --master URL         the master, when it is not @MASTER@
  --dir D              where the agent goes (default: /opt/rouse-agent as root, else ~/.local/share/rouse-agent)
  --base-dir D         where builds run (default: D/N)
  --ca-file F          PEM of the authority that signed the master's certificate
  --systemd            as root: install a systemd unit rouse-agent-N and start that
  --systemd-dir D      only write the unit, into this folder
  --user U             whose processes the unit's builds are (default: rouse-worker, which is made when it is missing)
  -h, --help           print this

NODE names the Node.js to use, 20 or newer, when it is not the node on PATH. Where there is none, the master's is fetched,
if it is for a machine like this one.
END
}

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

absolute() {
  case $1 in
    /*) echo "$1" ;;
    *) echo "$(pwd)/$1" ;;
  esac
}

# systemd gives spaces, quotes, % and $ a meaning of their own.
plain() {
  case $1 in
    *[!A-Za-z0-9._/:@+-]*) fail "$1 cannot stand in a systemd unit: use letters, digits and . _ / : @ + - only" ;;
  esac
}

say() {
  echo "install.sh: $*" >&2
}

@FUNCTIONS@

find_node() {
  given=$(printenv NODE || :)
  if [ -n "$given" ]; then
    node=$(command -v "$given") || fail "there is no $given: install Node.js 20 or newer, or name one with NODE=/path/to/node"
    node=$(absolute "$node")
    major=$("$node" -p 'process.versions.node.split(".")[0]') || fail "$node does not run"
    [ "$major" -ge 20 ] || fail "$node is Node.js $major, and the agent needs 20 or newer; name another with NODE=/path/to/node"
    return
  fi
  for node in node nodejs "$dir/node"; do
    if is_node "$node"; then
      node=$(absolute "$(command -v "$node")")
      return
    fi
  done
  node=node
  [ "$(machine)" = '@MACHINE@' ] ||
    fail "there is no Node.js 20 or newer here, and the master has none for $(machine): install one, or name it with NODE=/path/to/node"
  say 'no Node.js 20 or newer here: fetching the one of the master'
  fetch_whole "$from/agent/node-@MACHINE@" @NODE@ "$dir/node" || fail "cannot fetch a Node.js from $from"
  chmod 755 "$dir/node"
  node=$dir/node
  "$node" --version >/dev/null || fail "the master's Node.js does not run here, it needs @LIBC@ and libstdc++: install Node.js 20 or newer"
}

install_agent() {
  agent=$dir/rouse-agent.mjs
  fetch_whole "$from/agent/rouse-agent.mjs" "$sha256" "$agent" || fail "cannot fetch the agent from $from"
  chmod 755 "$agent"
  say "the agent is in $agent"
}

make_user() {
  id "$user" >/dev/null 2>&1 && return
  useradd -r -U -d "$base_dir" -s /bin/sh "$user" || fail "the user $user could not be made: make it, or name another with --user"
  say "made the user $user"
}

write_unit() {
  for word in "$node" "$agent" "$password_file" "$base_dir" "$ca_file" "$user" "$@"; do plain "$word"; done
  unit=$systemd_dir/rouse-agent-$name.service
  command="$node $agent --master $master --name $name --password-file $password_file --base-dir $base_dir"
  if [ -n "$ca_file" ]; then command="$command --ca-file $ca_file"; fi
  if [ $# -gt 0 ]; then command="$command $*"; fi
  protect_home=yes
  for word in "$node" "$agent" "$password_file" "$base_dir" "$ca_file"; do
    case $word in /home/* | /root/* | /run/user/*) protect_home=no ;; esac
  done
  mkdir -p "$systemd_dir"
  cat >"$unit" <<END
@UNIT@END
  say "the unit is in $unit"
}

main() {
  master='@MASTER@'
  sha256='@SHA256@'
  node=node
  if [ "$(id -u)" = 0 ]; then dir=/opt/rouse-agent; else dir=$HOME/.local/share/rouse-agent; fi
  name='' password_file='' base_dir='' ca_file='' user=rouse-worker systemd='' systemd_dir=/etc/systemd/system
  while [ $# -gt 0 ]; do
    case $1 in
      --name | --password-file | --master | --dir | --base-dir | --ca-file | --systemd-dir | --user)
        [ $# -ge 2 ] || fail "$1 needs a value"
        ;;
    esac
    case $1 in
      --name) name=$2 && shift ;;
      --password-file) password_file=$(absolute "$2") && shift ;;
      --master) master=$2 && shift ;;
      --dir) dir=$(absolute "$2") && shift ;;
      --base-dir) base_dir=$(absolute "$2") && shift ;;
      --ca-file) ca_file=$(absolute "$2") && shift ;;
      --systemd) systemd=start ;;
      --systemd-dir) systemd=write && systemd_dir=$(absolute "$2") && shift ;;
      --user) user=$2 && shift ;;
      -h | --help) usage && exit 0 ;;
      --) shift && break ;;
      *) fail "unknown option $1; --help lists them" ;;
    esac
    shift
  done
  case $master in
    http://* | https://* | ws://* | wss://*) ;;
    '') fail 'name the master with --master URL' ;;
    *) fail "--master $master is no address: write it like https://ci.example" ;;
  esac
  case $name in
    *[!A-Za-z0-9._-]*) fail "--name $name is not the name of a worker" ;;
  esac
  if [ -n "$name" ] && [ -z "$password_file" ]; then fail '--password-file is missing'; fi
  if [ -n "$systemd" ] && [ -z "$name" ]; then fail '--systemd needs --name and --password-file'; fi
  if [ "$systemd" = start ] && [ "$(id -u)" != 0 ]; then fail '--systemd needs root; --systemd-dir D only writes the unit'; fi
  # The master is asked over http where the agent will connect over ws.
  case $master in
    ws://*) from=http://$(expr "x$master" : 'xws://\(.*\)') ;;
    wss://*) from=https://$(expr "x$master" : 'xwss://\(.*\)') ;;
    *) from=$master ;;
  esac
  mkdir -p "$dir"
  trap 'rm -f "$dir"/*.part' EXIT
  trap 'exit 1' HUP INT TERM
  find_node
  install_agent
  trap - EXIT HUP INT TERM
  if [ -z "$base_dir" ]; then base_dir=$dir/$name; fi
  if [ -z "$name" ]; then
    echo "start it with: $node $agent --master $master --name NAME --password-file FILE"
    return
  fi
  mkdir -p "$base_dir"
  if [ -n "$systemd" ]; then
    plain "$master"
    if [ "$systemd" = start ]; then
      make_user
      # Whoever runs the agent reads it.
      secret=$dir/$name.password
      [ "$password_file" = "$secret" ] ||
        (umask 077 && rm -f "$secret.part" && cat "$password_file" >"$secret.part" && mv -f "$secret.part" "$secret") ||
        fail "cannot read $password_file"
      chown "$user" "$secret"
      chown -R -h "$user" "$base_dir"
      password_file=$secret
    fi
    write_unit "$@"
    if [ "$systemd" = write ]; then return; fi
    systemctl daemon-reload
    systemctl enable "rouse-agent-$name"
    # Also one that runs already: it may have been upgraded.
    systemctl restart "rouse-agent-$name"
    return
  fi
  if [ -n "$ca_file" ]; then set -- --ca-file "$ca_file" "$@"; fi
  exec "$node" "$agent" --master "$master" --name "$name" --password-file "$password_file" --base-dir "$base_dir" "$@"
}

main "$@"
`
