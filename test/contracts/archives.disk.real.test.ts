import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import Database from 'better-sqlite3'
import { afterAll, describe } from 'vitest'
import { diskArchives } from '../../src/adapters/disk/archives.ts'
import { diskFiles } from '../../src/adapters/disk/files.ts'
import { secretsFrom } from '../../src/adapters/environment/secrets.ts'
import { sha256 } from '../../src/kernel/json.ts'
import { shell } from '../../src/adapters/process/shell.ts'
import { endMark, rawMember, type RawMember } from '../fixtures/raw-tar.ts'
import { program } from '../fixtures/requirements.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { archivesContract, environment, type PackedMember } from './archives.contract.ts'

const top = mkdtempSync(join(tmpdir(), 'runbook-archives-'))
afterAll(() => rmSync(top, { recursive: true }))

const flags = { file: '0', folder: '5', 'symbolic link': '2', 'hard link': '1', device: '3', pipe: '6' }
const raw = ({ name, kind, body, mode }: PackedMember): RawMember => ({
  name,
  type: flags[kind],
  ...(body === undefined ? {} : { body }),
  ...(mode === undefined ? {} : { mode }),
  ...(kind.endsWith('link') ? { link: 'a' } : {}),
})

describe.skipIf(!program('gpg'))('with gpg', () => {
  const home = join(top, 'gpg-home')

  archivesContract('on disk', async () => ({
    archives: diskArchives({
      shell,
      scope: watchedScope(),
      secrets: secretsFrom({ environment, register: () => undefined }),
      // What the real one takes in a second, and in a quarter of a GB, tests do without.
      ageWork: 10,
    }),
    files: diskFiles,
    folder: mkdtempSync(join(top, 'f-')),
    pack: async (path, members) =>
      writeFileSync(path, Buffer.concat([...members.map(raw).map(rawMember), endMark])),
    link: async (path, target) => symlinkSync(target, path),
    encrypt: async (path, plain, phrase) => {
      execFileSync('mkdir', ['-p', '-m', '700', home])
      const options = [
        '--homedir',
        home,
        '--batch',
        '--pinentry-mode',
        'loopback',
        '--passphrase',
        phrase,
        '--s2k-count',
        '65536',
      ]
      execFileSync('gpg', [...options, '--symmetric', '--output', path], {
        input: plain,
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'])
    },
    compress: async (path) => {
      const database = new Database(':memory:')
      database.exec('create table notes (id integer); insert into notes values (1)')
      const bytes = database.serialize()
      database.close()
      writeFileSync(path, gzipSync(bytes))
      return sha256(bytes)
    },
    cut: async (path) => {
      const body = readFileSync(path)
      writeFileSync(path, body.subarray(0, Math.floor(body.length / 2)))
    },
  }))
})
