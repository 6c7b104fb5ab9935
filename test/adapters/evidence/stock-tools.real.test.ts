import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { diskFiles } from '../../../src/adapters/disk/files.ts'
import { trustedKeys } from '../../../src/adapters/evidence/allowed-signers.ts'
import { fingerprint, publicBlob } from '../../../src/adapters/evidence/ed25519.ts'
import { manifestSeal } from '../../../src/adapters/evidence/manifest-seal.ts'
import { verifyEvidence } from '../../../src/adapters/evidence/verify.ts'
import { filesOf } from '../../../src/views/files.ts'
import { goodRun } from '../../fixtures/runs.ts'
import { program } from '../../fixtures/requirements.ts'
import { Sealed } from '../../fixtures/sealed.ts'

describe.skipIf(!program('ssh-keygen'))('OpenSSH as it comes', () => {
  let one: Sealed
  beforeAll(async () => {
    one = await Sealed.of(goodRun())
  })
  afterAll(() => one.close())

  const list = () => join(one.place, 'state/allowed_signers')
  const verify = (statement: string | Buffer, namespace = 'runbook-evidence', more: readonly string[] = []) =>
    spawnSync(
      'ssh-keygen',
      [
        '-Y',
        'verify',
        '-f',
        list(),
        '-I',
        'runbook',
        '-n',
        namespace,
        '-s',
        join(one.folder, 'statement.json.sig'),
        ...more,
      ],
      { input: statement, encoding: 'utf8' },
    )

  it('verifies the statement', () => {
    const { status, stdout } = verify(readFileSync(join(one.folder, 'statement.json')))
    expect(stdout).toContain(
      `Good "runbook-evidence" signature for runbook with ED25519 key ${fingerprint(publicBlob(one.key))}`,
    )
    expect(status).toBe(0)
  })

  it('refuses another statement, and another purpose', () => {
    expect(verify(`${one.read('statement.json')} `).status).not.toBe(0)
    expect(verify(one.read('statement.json'), 'git').status).not.toBe(0)
  })

  it('verifies the manifest of a backup', async () => {
    const payload = Buffer.from('{"type":"runbook-backup-manifest"}\n')
    const signature = join(one.place, 'manifest.sig')
    writeFileSync(signature, await manifestSeal(join(one.place, 'state'), diskFiles).sign(payload))
    const verified = (body: Buffer) =>
      spawnSync(
        'ssh-keygen',
        ['-Y', 'verify', '-f', list(), '-I', 'runbook', '-n', 'runbook-evidence', '-s', signature],
        { input: body },
      ).status
    expect(verified(payload)).toBe(0)
    expect(verified(Buffer.from('{}'))).not.toBe(0)
  })

  it('reads our key, and names it as we do', () => {
    expect(
      execFileSync('ssh-keygen', ['-l', '-f', join(one.place, 'state/evidence-key.pub')], {
        encoding: 'utf8',
      }),
    ).toContain(fingerprint(publicBlob(one.key)))
  })

  it('judges the times of a key as we do', async () => {
    const plain = readFileSync(list(), 'utf8')
    for (const [options, at, good] of [
      ['valid-before="20260203041500Z"', '20260203041556Z', false],
      ['valid-before="20260203041700Z"', '20260203041556Z', true],
      ['valid-after="20260203041700Z"', '20260203041556Z', false],
      ['valid-after="20260203",valid-before="20260205"', '20260203041556Z', true],
    ] as const) {
      writeFileSync(list(), plain.replace(' namespaces=', ` ${options},namespaces=`))
      expect([
        options,
        verify(one.read('statement.json'), undefined, [`-Overify-time=${at}`]).status === 0,
      ]).toEqual([options, good])
      const trusted = trustedKeys(readFileSync(list(), 'utf8'), 'allowed_signers')
      expect([options, (await verifyEvidence(one.folder, { trusted, filesOf })).length === 0]).toEqual([
        options,
        good,
      ])
    }
    writeFileSync(list(), plain)
  })

  it('makes signatures that we accept', async () => {
    const key = join(one.place, 'theirs')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'a b', '-f', key])
    chmodSync(key, 0o600)
    const signed = execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-f', key, '-n', 'runbook-evidence'], {
      input: one.read('statement.json'),
      encoding: 'utf8',
    })
    const ours = one.read('statement.json.sig')
    one.write('statement.json.sig', signed)
    one.trusted = [...one.trusted, ...trustedKeys(readFileSync(`${key}.pub`, 'utf8'), 'theirs.pub')]
    expect(await one.defects()).toEqual([])
    one.write('statement.json.sig', ours)
  })
})
