import type { FoundMember } from '../../../src/index.ts'

/** Names of files that usually hold credentials; the documented list is in docs/limits.md. */
export const credentialNames = [
  '.env',
  '.env.*',
  '*.pem',
  '*.key',
  '*.p12',
  '*.pfx',
  '*.jks',
  'id_rsa',
  'id_dsa',
  'id_ecdsa',
  'id_ed25519',
  '.npmrc',
  '.netrc',
  '.pgpass',
  '.pypirc',
  '.git-credentials',
  'auth.json',
  'credentials.json',
]

const examples = /\.(example|sample|template|dist)$/
/** `${NPM_TOKEN}` names a variable and is none. */
const npmToken = /(^|:)_(authToken|auth|password)\s*=\s*"?(?!\$\{)[^\s"]/m
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----/

/** Whether a file with such a name holds credentials, as far as its beginning shows. Empty files do not. */
function holdsCredentials({ path, head, complete }: FoundMember): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (complete && head.trim() === '') return false
  if (examples.test(name)) return false
  // What was not read may hold one.
  if (name === '.npmrc') return !complete || npmToken.test(head)
  if (name.endsWith('.pem')) return !complete || privateKey.test(head)
  return true
}

/** The paths of files with credentials, sorted. Pure. */
export const credentialsAmong = (found: readonly FoundMember[]): readonly string[] =>
  found.filter(holdsCredentials).map(({ path }) => path)
