import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { crashesIn } from '../crash/boundaries.ts'
import type { Kill } from '../crash/kill.ts'
import { openContextsafe, type ContextsafeStack } from '../fixtures/contextsafe-stack.ts'
import { docker } from '../fixtures/requirements.ts'
import type { Finished } from '../fixtures/typed.ts'

const whole = ({ code, signal, stdout, stderr }: Finished): string =>
  `exit ${code ?? signal}\n${stdout}\n${stderr}`
const good = `%PDF-1.7 ${'whole '.repeat(200_000)}`
const bad = '%PDF-1.7 wh'

describe.skipIf(!docker())(
  'recover-document on Compose, with a document that was cut off in its volume',
  () => {
    let stack: ContextsafeStack
    let lost: string

    const inside = async (script: string): Promise<string> =>
      (await execa('docker', ['exec', await stack.container(), 'sh', '-c', script])).stdout
    /** Every file of the volume with owner, mode and digest. */
    const standing = (): Promise<string> =>
      inside(
        'cd /app/data/documents; find . | sort | xargs stat -c "%n %F %a %u:%g"; find . -type f | sort | xargs sha256sum',
      )
    const recover = (
      more: readonly string[] = [],
      healthWord = 'ok',
      kill: Kill | null = null,
    ): Promise<Finished> =>
      stack.type(
        ['run', 'recover-document', '--document', 'd1', '--confirm', stack.phrase, ...more],
        healthWord,
        kill,
      )
    const back = async (): Promise<void> => {
      expect(await inside('stat -c "%a %u:%g %s" /app/data/documents/p1/d1.pdf')).toBe(
        `640 1000:1001 ${good.length}`,
      )
      expect(await inside('cat /app/data/documents/p1/corrupt-*-d1.pdf')).toBe(bad)
      expect(await inside('stat -c "%a %u:%g" /app/data/documents/p1/corrupt-*-d1.pdf')).toBe('640 1000:1001')
      expect((await inside('ls -A /app/data/documents/p1')).split('\n')).toHaveLength(3)
    }

    beforeAll(async () => {
      process.env['CONTEXTSAFE_BACKUP_PASSPHRASE'] = 'correct horse battery staple'
      stack = await openContextsafe()
      const tree = join(stack.folder, 'backups', 'data-20240110')
      for (const project of ['p1', 'p2']) await mkdir(join(tree, 'documents', project), { recursive: true })
      await writeFile(join(tree, 'documents', 'p1', 'd1.pdf'), good)
      for (const name of ['p1/d2.pdf', 'p2/d2.pdf'])
        await writeFile(join(tree, 'documents', name), '%PDF-1.7 another')
      const packed = join(stack.folder, 'packed.tar.gz')
      await execa('tar', ['-czf', packed, '-C', join(stack.folder, 'backups'), 'data-20240110'])
      await execa(
        'gpg',
        [
          '--batch',
          '--homedir',
          stack.folder,
          '--pinentry-mode',
          'loopback',
          '--passphrase-fd',
          '0',
          '--symmetric',
          '-o',
          join(stack.folder, 'data-20240109.tar.gz.gpg'),
          packed,
        ],
        { input: process.env['CONTEXTSAFE_BACKUP_PASSPHRASE'] },
      )
    }, 60_000)
    afterAll(async () => {
      delete process.env['CONTEXTSAFE_BACKUP_PASSPHRASE']
      await stack?.[Symbol.asyncDispose]()
    })
    beforeEach(async () => {
      await inside(
        `rm -rf /app/data/documents; mkdir -p /app/data/documents/p1; cd /app/data/documents/p1; printf %s '${bad}' >d1.pdf; printf other >d2.pdf; chown -R 1000:1001 .; chmod 640 *.pdf`,
      )
      lost = await standing()
    })

    it('foretells it and changes nothing', async () => {
      const finished = await recover(['--dry-run'])
      expect(finished.code, whole(finished)).toBe(0)
      expect(await standing()).toBe(lost)
    }, 60_000)

    it('brings it back from an encrypted archive, with owner and mode, and keeps the damaged one', async () => {
      const finished = await recover(['--backup', join(stack.folder, 'data-20240109.tar.gz.gpg')])
      expect(finished.code, whole(finished)).toBe(0)
      await back()
      // T.1's trap is the other way round here: the container goes on running, and is not needed to.
      const again = await recover()
      expect(again.code, whole(again)).toBe(10)
      expect(whole(again)).toContain('is identical to the file in the backup')
    }, 60_000)

    it('puts the damaged one back where health never comes', async () => {
      const finished = await recover([], 'never')
      expect(finished.code, whole(finished)).toBe(10)
      expect(await standing()).toBe(lost)
    }, 60_000)

    const step = 'put-it-back-with-its-owner-and-mode'
    it.each([
      ...crashesIn(step, 400),
      [
        'after its staging was emptied',
        { when: 'after', type: 'ended', step: 'empty-staging' },
        'rollback',
      ] as const,
    ])(
      'killed %s (%j), then %s',
      async (_, kill, way) => {
        const killed = await recover([], 'ok', kill)
        expect(killed.signal, whole(killed)).toBe('SIGKILL')
        const finished = await stack.type([way])
        expect(finished.code, whole(finished)).toBe(0)
        if (way === 'rollback') expect(await standing()).toBe(lost)
        else await back()
      },
      60_000,
    )

    it('refuses what it cannot be sure of', async () => {
      for (const [document, words] of [
        ['d2', /d2 is ambiguous in the backup \(2 matches\): p1\/d2\.pdf, p2\/d2\.pdf/],
        ['d7', /d7 not found in \S+ of the backup/],
        ['../d1', /is not the name of one file/],
      ] as const) {
        const finished = await stack.type([
          'run',
          'recover-document',
          `--document=${document}`,
          '--confirm',
          stack.phrase,
        ])
        expect([3, 10], whole(finished)).toContain(finished.code)
        expect(whole(finished)).toMatch(words)
      }
      await inside('rm /app/data/documents/p1/d1.pdf; ln -s /etc/passwd /app/data/documents/p1/d1.pdf')
      const linked = await recover()
      expect(linked.code, whole(linked)).toBe(10)
      expect(whole(linked)).toContain('is a link')
      await rm(join(stack.folder, 'backups', 'staging'), { recursive: true })
      await mkdir(join(stack.folder, 'backups', 'staging'))
    }, 90_000)
  },
)
