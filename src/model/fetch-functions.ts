/**
 * Functions of POSIX shell for a machine that has nothing yet: fetch and check what a master serves, find or bring a Node.js. They
 * use `ca_file` (may be empty), `node` and `say TEXT`; `node` names the one that was found.
 */
export const fetchFunctions = String.raw`has() {
  command -v "$1" >/dev/null 2>&1
}

# fetch URL FILE
fetch() {
  if has curl; then
    if [ -n "$ca_file" ]; then set -- "$1" "$2" --cacert "$ca_file"; fi
    fetch_url=$1 fetch_file=$2
    shift 2
    curl -fsSL --connect-timeout 20 --speed-limit 1000 --speed-time 60 "$@" -o "$fetch_file" "$fetch_url"
  elif has wget; then
    if [ -n "$ca_file" ]; then wget -q -T 60 --ca-certificate="$ca_file" -O "$2" "$1"; else wget -q -T 60 -O "$2" "$1"; fi
  elif has "$node"; then
    "$node" -e 'const [url, file, ca] = process.argv.slice(1)
const fs = require("fs")
const asked = require(url.startsWith("https:") ? "https" : "http").get(url, ca ? { ca: fs.readFileSync(ca) } : {}, (answer) => {
  if (answer.statusCode !== 200) throw new Error("HTTP " + answer.statusCode)
  require("stream").pipeline(answer, fs.createWriteStream(file), (error) => { if (error) throw error })
})
asked.setTimeout(60000, () => asked.destroy(new Error("no answer")))' "$1" "$2" "$ca_file"
  else
    say 'neither curl nor wget is here, nor a Node.js that could fetch something'
    return 1
  fi
}

# sum FILE: its sha256
sum() {
  if has sha256sum; then sha256sum "$1" | cut -d ' ' -f 1
  elif has shasum; then shasum -a 256 "$1" | cut -d ' ' -f 1
  else "$node" -p 'require("crypto").createHash("sha256").update(require("fs").readFileSync(process.argv[1])).digest("hex")' "$1"
  fi
}

# fetch_whole URL SHA256 FILE: all of it or nothing
fetch_whole() {
  if fetch "$1" "$3.part"; then
    found=$(sum "$3.part")
    if [ "$found" = "$2" ]; then
      mv -f "$3.part" "$3"
      return 0
    fi
    say "$1 arrived damaged, or the master was upgraded just now: its sha256 is $found instead of $2"
  else
    say "cannot fetch $1"
  fi
  rm -f "$3.part"
  return 1
}

# is_node FILE: a Node.js that the agent runs on
is_node() {
  has "$1" && major=$("$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null) && [ "$major" -ge 20 ]
}

# machine: linux-x64
machine() {
  case $(uname -s) in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    *) os=$(uname -s) ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) echo "$os-x64" ;;
    aarch64 | arm64) echo "$os-arm64" ;;
    *) echo "$os-$(uname -m)" ;;
  esac
}`
