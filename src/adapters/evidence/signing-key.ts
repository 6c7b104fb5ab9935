import { shellWord } from '../../kernel/shell-quote.ts'
import { createPrivateKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { constants } from 'node:fs'
import { link, open, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Files, FilesView } from '../../drivers/files.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { signerLine, trustedKeys } from './allowed-signers.ts'
import { fingerprint, keyType, publicBlob } from './ed25519.ts'

/**
 * Files in the state folder. The private key never leaves it; the list of trusted keys is given to reviewers.
 */
export const keyFiles = {
  private: 'evidence-key.pem',
  public: 'evidence-key.pub',
  trusted: 'allowed_signers',
} as const

/**
 * The key that signs evidence, created on first use. A key removed from the list of trusted keys is not
 * recreated: then nothing can be signed, which is detected before a run begins.
 * @param folder the state folder; absolute
 * @throws RunbookError `preflight`
 */
export async function signingKey(folder: string, files: Files): Promise<KeyObject> {
  await files.makeFolder(folder)
  const file = join(folder, keyFiles.private)
  const key = (await readKey(file)) ?? (await createKey(folder, file, files))
  await mustBeTrusted(key, folder, files)
  return key
}

/**
 * The fingerprint of the key that signs evidence; null where the first run will create it. Creates nothing.
 * @throws RunbookError `preflight`, as `signingKey`
 */
export async function signingKeyFingerprint(
  folder: string,
  files: Pick<FilesView, 'stat' | 'read'>,
): Promise<string | null> {
  const key = await readKey(join(folder, keyFiles.private))
  if (key === null) return null
  await mustBeTrusted(key, folder, files)
  return fingerprint(publicBlob(key))
}

async function mustBeTrusted(
  key: KeyObject,
  folder: string,
  files: Pick<FilesView, 'stat' | 'read'>,
): Promise<void> {
  const file = join(folder, keyFiles.private)
  const trusted = join(folder, keyFiles.trusted)
  const listed =
    (await files.stat(trusted)) === null
      ? []
      : trustedKeys(Buffer.from(await files.read(trusted, 1 << 20)).toString(), trusted)
  const entry = listed.find(({ blob }) => blob.equals(publicBlob(key)))
  if (entry !== undefined && (entry.until === null || entry.until > Date.now())) return
  const why =
    entry === undefined
      ? `is not listed in ${trusted}`
      : `expired on ${new Date(entry.until ?? 0).toISOString()}`
  throw cannot('sign evidence with', `key ${fingerprint(publicBlob(key))}`, `it ${why}`, {
    code: 'preflight',
    hint: `if the key was retired, move it away to create a new one: mv ${shellWord(file)} ${shellWord(`${file}.old`)}`,
  })
}

async function readKey(file: string): Promise<KeyObject | null> {
  try {
    await using handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const { mode, uid } = await handle.stat()
    if ((mode & 0o077) !== 0) throw badKey(file, 'others may read it', `chmod 600 ${shellWord(file)}`)
    if (uid !== process.geteuid?.())
      throw badKey(file, `it belongs to user ${uid}`, `check: ls -l ${shellWord(file)}`)
    const key = createPrivateKey(await handle.readFile())
    if (key.asymmetricKeyType !== 'ed25519')
      throw badKey(file, 'it is not an Ed25519 key', `mv ${shellWord(file)} ${shellWord(`${file}.old`)}`)
    return key
  } catch (thrown) {
    if (thrown instanceof RunbookError) throw thrown
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw badKey(file, 'it cannot be read', `check: ls -l ${shellWord(file)}`, thrown)
  }
}

const badKey = (file: string, why: string, hint: string, cause?: unknown): RunbookError =>
  cannot('use', `evidence key ${file}`, why, { code: 'preflight', hint, cause })

/**
 * The public key is listed before the private one gets its name, so an existing key is always listed. Of two
 * processes that create one at the same time, the first to link it wins, and both use it.
 */
async function createKey(folder: string, file: string, files: Files): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const blob = publicBlob(privateKey)
  const partial = join(folder, `.${randomBytes(6).toString('hex')}.partial`)
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  try {
    const handle = await open(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    try {
      await handle.writeFile(privateKey.export({ format: 'pem', type: 'pkcs8' }))
      await handle.sync()
    } finally {
      await handle.close()
    }
    const list = (): Promise<void> =>
      files.append(join(folder, keyFiles.trusted), signerLine(blob, hostname()))
    // The first try fails if another process creates the list at the same time.
    await list().catch(list)
    await link(partial, file)
  } catch (thrown) {
    const other = (thrown as NodeJS.ErrnoException).code === 'EEXIST' ? await readKey(file) : null
    if (other !== null) return other
    throw cannot('create', `evidence key ${file}`, null, {
      code: 'preflight',
      hint: `check: ls -ld ${shellWord(folder)}; df -h ${shellWord(folder)}`,
      cause: thrown,
    })
  } finally {
    await unlink(partial).catch(() => undefined)
  }
  // This also makes the link durable: writing a file syncs the folder.
  await files.write(join(folder, keyFiles.public), `${keyType} ${blob.toString('base64')} runbook-evidence\n`)
  return privateKey
}
