import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { diskArchives } from '../../src/adapters/disk/archives.ts'
import { shell } from '../../src/adapters/process/shell.ts'
import { Secret } from '../../src/kernel/secret.ts'
import { timed } from '../project.ts'
import { millisecondsOf, type Row } from '../row.ts'
import { quietScope } from '../scope.ts'
import { noise } from '../tree.ts'

const passphrase = 'a passphrase of the benchmark'
const gpg = `gpg --homedir home --batch --yes --no-tty --pinentry-mode loopback --passphrase '${passphrase}'`

/** The program decrypts the result once more, to prove it; its rivals do not. */
export const encryption: Row = {
  name: 'encryption',
  title: 'Encrypting an archive with a passphrase',
  unit: 'ms',
  async prepare({ folder, quick }) {
    const bytes = quick ? 64_000_000 : 440_000_000
    const file = join(folder, 'archive')
    writeFileSync(file, noise(bytes, 1), { mode: 0o600 })
    const archives = diskArchives({
      shell,
      scope: quietScope(),
      secrets: { reveal: async () => new Secret('BENCH', passphrase) },
    })
    const program = (options: string) => () =>
      timed('sh', ['-ec', `mkdir -p -m 700 home; ${gpg} ${options} -o rival.gpg -c archive`], folder)
    const encrypted = (ending: string) => async (): Promise<number> => {
      const to = `${file}.${ending}`
      rmSync(to, { force: true })
      return millisecondsOf(() =>
        archives.encrypt(file, to, { secret: 'BENCH', from: { env: 'BENCH' } } as const),
      )
    }
    return {
      rounds: quick ? 3 : 5,
      size: `${bytes / 1e6} MB that cannot be compressed`,
      contestants: [
        { name: '`gpg -c`', once: program('') },
        { name: '`gpg -z 0 -c`', once: program('-z 0') },
        { name: '`.gpg`, decrypted once', once: encrypted('gpg') },
        { name: '`.age`, decrypted once', once: encrypted('age') },
      ],
    }
  },
}
