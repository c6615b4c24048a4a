export interface InstallOptions {
  /** Where the agent fetches itself from and connects to, unless the script is told otherwise; plain characters only. */
  readonly master: string | undefined
  /** Of the agent, in hexadecimal. */
  readonly sha256: string
}

/** A POSIX shell script that installs the agent on a machine with Node.js 20 or newer, and can start it. */
export function installScript({ master = '', sha256 }: InstallOptions): string {
  return script.replaceAll('@MASTER@', () => master).replaceAll('@SHA256@', sha256)
}

// No `$` before a brace, and no backquote: this is a template.
const script = String.raw`#!/bin/sh
# Installs the agent of a Rouse master on this machine, which needs Node.js 20 or newer.
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
  --user U             whose processes the unit's builds are (default: root)
  -h, --help           print this

NODE names the Node.js to use, when it is not the node on PATH.
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

download() {
  if command -v curl >/dev/null 2>&1; then
    if [ -n "$ca_file" ]; then curl -fsSL --cacert "$ca_file" -o "$2" "$1"; else curl -fsSL -o "$2" "$1"; fi
  elif command -v wget >/dev/null 2>&1; then
    if [ -n "$ca_file" ]; then wget -q --ca-certificate="$ca_file" -O "$2" "$1"; else wget -q -O "$2" "$1"; fi
  else
    fail 'neither curl nor wget is here'
  fi
}

find_node() {
  found=$(command -v "$node") || fail "there is no $node: install Node.js 20 or newer, or name one with NODE=/path/to/node"
  node=$(absolute "$found")
  major=$("$node" -p 'process.versions.node.split(".")[0]') || fail "$node does not run"
  [ "$major" -ge 20 ] || fail "$node is Node.js $major, and the agent needs 20 or newer; name another with NODE=/path/to/node"
}

install_agent() {
  mkdir -p "$dir"
  agent=$dir/rouse-agent.mjs
  draft=$agent.$$
  trap 'rm -f "$draft"' EXIT
  trap 'exit 1' HUP INT TERM
  # The master is asked over http where the agent will connect over ws.
  case $master in
    ws://*) from=http://$(expr "x$master" : 'xws://\(.*\)') ;;
    wss://*) from=https://$(expr "x$master" : 'xwss://\(.*\)') ;;
    *) from=$master ;;
  esac
  download "$from/agent/rouse-agent.mjs" "$draft" || fail "cannot fetch the agent from $from"
  sum=$("$node" -p 'require("crypto").createHash("sha256").update(require("fs").readFileSync(process.argv[1])).digest("hex")' "$draft")
  [ "$sum" = "$sha256" ] || fail "the agent arrived damaged, or the master was upgraded just now: its sha256 is $sum instead of $sha256; fetch install.sh again"
  chmod 755 "$draft"
  mv -f "$draft" "$agent"
  trap - EXIT HUP INT TERM
  echo "the agent is in $agent" >&2
}

write_unit() {
  for word in "$node" "$agent" "$password_file" "$base_dir" "$ca_file" "$user" "$@"; do plain "$word"; done
  unit=$systemd_dir/rouse-agent-$name.service
  command="$node $agent --master $master --name $name --password-file $password_file --base-dir $base_dir"
  if [ -n "$ca_file" ]; then command="$command --ca-file $ca_file"; fi
  mkdir -p "$systemd_dir"
  cat >"$unit" <<END
[Unit]
Description=Rouse agent $name
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=$command $*
User=$user
Restart=always
RestartSec=10
# Builds outlive the agent when that is restarted.
KillMode=process

[Install]
WantedBy=multi-user.target
END
  echo "the unit is in $unit" >&2
}

main() {
  master='@MASTER@'
  sha256='@SHA256@'
  node=$(printenv NODE || echo node)
  if [ "$(id -u)" = 0 ]; then dir=/opt/rouse-agent; else dir=$HOME/.local/share/rouse-agent; fi
  name='' password_file='' base_dir='' ca_file='' user=root systemd='' systemd_dir=/etc/systemd/system
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
  find_node
  install_agent
  if [ -z "$base_dir" ]; then base_dir=$dir/$name; fi
  if [ -z "$name" ]; then
    echo "start it with: $node $agent --master $master --name NAME --password-file FILE"
    return
  fi
  mkdir -p "$base_dir"
  if [ -n "$systemd" ]; then
    plain "$master"
    write_unit "$@"
    if [ "$systemd" = write ]; then return; fi
    chown "$user" "$base_dir"
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
