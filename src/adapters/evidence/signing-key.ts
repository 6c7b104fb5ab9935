import { createPrivateKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { constants } from 'node:fs'
import { link, open, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Files } from '../../drivers/files.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { signerLine, trustedKeys } from './allowed-signers.ts'
import { fingerprint, keyType, publicBlob } from './ed25519.ts'

/** The files in the state folder. The private key never leaves it; the list is what a reviewer elsewhere is given. */
export const keyFiles = {
  private: 'evidence-key.pem',
  public: 'evidence-key.pub',
  trusted: 'allowed_signers',
} as const

/**
 * The key that evidence is signed with, made on first use. It is not made again once it was taken off the list of trusted keys:
 * then nothing can be signed, and that is found before a run begins.
 * @param folder the state folder; absolute
 * @throws RunbookError `preflight`
 */
export async function signingKey(folder: string, files: Files): Promise<KeyObject> {
  await files.makeFolder(folder)
  const file = join(folder, keyFiles.private)
  const key = (await readKey(file)) ?? (await makeKey(folder, file, files))
  const trusted = join(folder, keyFiles.trusted)
  const listed =
    (await files.stat(trusted)) === null
      ? []
      : trustedKeys(Buffer.from(await files.read(trusted, 1 << 20)).toString(), trusted)
  const entry = listed.find(({ blob }) => blob.equals(publicBlob(key)))
  if (entry !== undefined && (entry.until === null || entry.until > Date.now())) return key
  const why =
    entry === undefined
      ? `is not listed in ${trusted}`
      : `expired on ${new Date(entry.until ?? 0).toISOString()}`
  throw new RunbookError(
    'preflight',
    `the evidence could not be signed: the key ${fingerprint(publicBlob(key))} ${why}`,
    {
      hint: `if it was taken out of use, move it away and a new one is made: mv ${file} ${file}.old`,
    },
  )
}

async function readKey(file: string): Promise<KeyObject | null> {
  try {
    await using handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const { mode, uid } = await handle.stat()
    if ((mode & 0o077) !== 0) throw badKey(file, 'others may read it', `chmod 600 ${file}`)
    if (uid !== process.geteuid?.()) throw badKey(file, `it belongs to user ${uid}`, `ls -l ${file}`)
    const key = createPrivateKey(await handle.readFile())
    if (key.asymmetricKeyType !== 'ed25519')
      throw badKey(file, 'it is no Ed25519 key', `mv ${file} ${file}.old`)
    return key
  } catch (thrown) {
    if (thrown instanceof RunbookError) throw thrown
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw badKey(file, 'it could not be read', `ls -l ${file}`, thrown)
  }
}

const badKey = (file: string, why: string, hint: string, cause?: unknown): RunbookError =>
  new RunbookError('preflight', `the evidence key ${file} cannot be used: ${why}`, { hint, cause })

/**
 * The public half is listed before the private one gets its name, so that a key in its place is always a listed one. Of two programs
 * that make one at the same time, the first to give it its name wins, and both use that.
 */
async function makeKey(folder: string, file: string, files: Files): Promise<KeyObject> {
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
    // The first try fails where another program makes the list at this very moment.
    await list().catch(list)
    await link(partial, file)
  } catch (thrown) {
    const other = (thrown as NodeJS.ErrnoException).code === 'EEXIST' ? await readKey(file) : null
    if (other !== null) return other
    throw new RunbookError('preflight', `could not make the key that evidence is signed with, ${file}`, {
      hint: `look: ls -ld ${folder}; df -h ${folder}`,
      cause: thrown,
    })
  } finally {
    await unlink(partial).catch(() => undefined)
  }
  // Durable too: writing a file syncs the folder.
  await files.write(join(folder, keyFiles.public), `${keyType} ${blob.toString('base64')} runbook-evidence\n`)
  return privateKey
}
