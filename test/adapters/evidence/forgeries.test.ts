import { execFileSync } from 'node:child_process'
import { createHash, sign } from 'node:crypto'
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { preAuthentication } from '../../../src/adapters/evidence/dsse.ts'
import { publicBlob } from '../../../src/adapters/evidence/ed25519.ts'
import { field } from '../../../src/adapters/evidence/wire.ts'
import { verifyEvidence } from '../../../src/adapters/evidence/verify.ts'
import { canonical, sha256 } from '../../../src/kernel/json.ts'
import { filesOf } from '../../../src/views/files.ts'
import { badRun, dryRun, goodRun, restoreLog } from '../../fixtures/runs.ts'
import { Sealed, strangersKey, trusting } from '../../fixtures/sealed.ts'

const log = `logs/${restoreLog.name}.log`
type Subject = { name: string; digest: { [algorithm: string]: string } }
type Statement = {
  _type: string
  predicateType: string
  predicate: { [key: string]: unknown; journal: { [key: string]: unknown } }
  subject: Subject[]
}
type Envelope = { payload: string; payloadType: string; signatures: { keyid: string; sig: string }[] }

let good: Sealed
let one: Sealed
beforeAll(async () => {
  good = await Sealed.of(badRun())
})
afterAll(() => good.close())
beforeEach(() => {
  one = good.copy()
})
afterEach(() => one.close())

/** What is done to the evidence, and every reason that must be given for it, each with its file. */
type Forgery = readonly [what: string, forge: (one: Sealed) => void | Promise<void>, ...reasons: string[]]

const run = (forgeries: readonly Forgery[]): void => {
  for (const [what, forge, ...reasons] of forgeries) {
    it(what, async () => {
      await forge(one)
      expect(await one.defects()).toEqual([...reasons].sort())
    })
  }
}

describe('evidence that nobody touched', () => {
  it.each([
    ['good', goodRun],
    ['bad', badRun],
    ['dry', dryRun],
  ] as const)('of a %s run verifies', async (_, told) => {
    const other = await Sealed.of(told())
    expect(
      told === dryRun
        ? (await other.defects()).filter((one) => !one.includes('logs/'))
        : await other.defects(),
    ).toEqual([])
    other.close()
  })

  it('verifies without a page where it was written by a version that made none', async () => {
    one.editJson('run.json', (record: object) => ({ ...record, rendering: 4 }))
    one.remove('report.html')
    one.sign()
    expect(await one.defects()).toEqual([])
  })

  it('verifies in another place, with other modes and dates, as after a checkout', async () => {
    renameSync(one.folder, join(one.place, 'moved'))
    execFileSync('chmod', ['-R', 'a+rX', join(one.place, 'moved')])
    expect(await verifyEvidence(join(one.place, 'moved'), { trusted: one.trusted, filesOf })).toEqual([])
  })

  it('verifies with a log to which a later attempt, cut off before its end, has added', async () => {
    one.edit(log, (body) => `${body}and on`)
    one.sign()
    expect(await one.defects()).toEqual([])
  })
})

describe('somebody without the key', () => {
  run([
    [
      'edits a number in the record',
      () => one.edit('run.json', (body) => body.replace('"milliseconds":1500', '"milliseconds":1')),
      'file-altered run.json',
    ],
    [
      'edits the report and nothing else',
      () => one.edit('report.md', (body) => body.replace('needs a person', 'succeeded')),
      'file-altered report.md',
    ],
    [
      'edits the test report',
      () => one.edit('junit.xml', (body) => body.replace('failures="2"', 'failures="0"')),
      'file-altered junit.xml',
    ],
    [
      'flips one bit of a log',
      () => one.edit(log, (body) => body.replace('data', 'dat`')),
      `file-altered ${log}`,
    ],
    ['adds a line to a log', () => one.edit(log, (body) => `${body}fine\n`), `file-altered ${log}`],
    ['cuts a log off', () => one.edit(log, (body) => body.slice(0, 5)), `file-altered ${log}`],
    ['empties a log', () => one.write(log, ''), `file-altered ${log}`],
    ['removes a log', () => one.remove(log), `file-missing ${log}`],
    [
      'moves a log',
      () => renameSync(join(one.folder, log), join(one.folder, 'logs/04-other.log')),
      `file-missing ${log}`,
      'file-extra logs/04-other.log',
    ],
    ['puts a file there', () => one.write('approval.txt', 'approved by all'), 'file-extra approval.txt'],
    ['puts a hidden file there', () => one.write('.note', 'x'), 'file-extra .note'],
    [
      'puts a file into a folder of its own',
      () => (mkdirSync(join(one.folder, 'more')), one.write('more/x', 'x')),
      'file-extra more/x',
    ],
    [
      'puts a name there that looks like another',
      () => one.write('report\u202e.md', 'x'),
      'file-extra report\u202e.md',
    ],
    ['puts a link there', () => symlinkSync('/etc/hostname', join(one.folder, 'host')), 'not-a-file host'],
    ['puts a pipe there', () => void execFileSync('mkfifo', [join(one.folder, 'pipe')]), 'not-a-file pipe'],
    [
      'puts a link in the place of the report',
      () => (one.remove('report.md'), symlinkSync('/etc/hostname', join(one.folder, 'report.md'))),
      'not-a-file report.md',
    ],
    [
      'puts a link to a good copy in the place of the record',
      () => (
        one.write('../run.json', one.read('run.json')),
        one.remove('run.json'),
        symlinkSync('../run.json', join(one.folder, 'run.json'))
      ),
      'not-a-file run.json',
    ],
    ['removes the record', () => one.remove('run.json'), 'file-missing run.json'],
    ['removes the report', () => one.remove('report.md'), 'file-missing report.md'],
    ['removes the journal', () => one.remove('journal.jsonl'), 'file-missing journal.jsonl'],
    ['removes the sums', () => one.remove('SHA256SUMS'), 'file-missing SHA256SUMS'],
    ['removes the signature', () => one.remove('statement.json.sig'), 'file-missing statement.json.sig'],
    ['removes the envelope', () => one.remove('statement.dsse.json'), 'file-missing statement.dsse.json'],
    ['removes the statement', () => one.remove('statement.json'), 'file-missing statement.json'],
    [
      'removes all that vouches',
      () =>
        ['SHA256SUMS', 'statement.json', 'statement.json.sig', 'statement.dsse.json'].forEach((name) =>
          one.remove(name),
        ),
      'not-sealed',
    ],
    ['removes the folder', () => rmSync(one.folder, { recursive: true }), 'folder-unreadable'],
    [
      'drops a line of the journal',
      () => one.edit('journal.jsonl', (body) => body.replace(/^.*"intent".*\n/m, '')),
      'file-altered journal.jsonl',
    ],
    [
      'edits a file and its sum',
      () => {
        const before = sha256(one.read('report.md'))
        one.edit('report.md', (body) => body.replace('needs a person', 'succeeded'))
        one.edit('SHA256SUMS', (body) => body.replace(before, sha256(one.read('report.md'))))
      },
      'file-altered report.md',
      'file-altered SHA256SUMS',
    ],
    [
      'edits a sum',
      () => one.edit('SHA256SUMS', (body) => body.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))),
      'file-altered SHA256SUMS',
    ],
    [
      'edits the statement',
      () => one.edit('statement.json', (body) => body.replace('needs-human', 'succeeded')),
      'signature-wrong statement.json.sig',
      'payload-differs statement.dsse.json',
      'statement-differs statement.json',
    ],
    [
      'writes the statement in another way',
      () => one.edit('statement.json', (body) => JSON.stringify(JSON.parse(body), null, 2)),
      'statement-not-canonical statement.json',
      'signature-wrong statement.json.sig',
      'payload-differs statement.dsse.json',
    ],
    [
      'breaks the statement',
      () => one.edit('statement.json', (body) => body.slice(0, -5)),
      'statement-malformed statement.json',
      'signature-wrong statement.json.sig',
      'payload-differs statement.dsse.json',
    ],
    [
      'puts a list in the place of the statement',
      () => one.write('statement.json', 'null\n'),
      'statement-malformed statement.json',
      'signature-wrong statement.json.sig',
      'payload-differs statement.dsse.json',
    ],
    [
      'edits a file and the statement with it',
      () => {
        const before = sha256(one.read(log))
        one.edit(log, (body) => `${body}fine\n`)
        for (const name of ['SHA256SUMS', 'statement.json'])
          one.edit(name, (body) => body.replace(before, sha256(one.read(log))))
        one.editJson('statement.json', (value: Statement) => ({
          ...value,
          subject: value.subject.map((subject) =>
            subject.name === 'SHA256SUMS'
              ? { ...subject, digest: { sha256: sha256(one.read('SHA256SUMS')) } }
              : subject,
          ),
        }))
      },
      'signature-wrong statement.json.sig',
      'payload-differs statement.dsse.json',
    ],
    [
      'flips one bit of the signature',
      () => one.edit('statement.json.sig', (body) => flipInside(body, -20)),
      'signature-wrong statement.json.sig',
    ],
    [
      'cuts the signature off',
      () => one.edit('statement.json.sig', (body) => body.replace(/.{8}\n-----END/, '\n-----END')),
      'signature-malformed statement.json.sig',
    ],
    [
      'empties the signature',
      () => one.write('statement.json.sig', ''),
      'signature-malformed statement.json.sig',
    ],
    [
      'adds a byte behind the signature',
      () =>
        one.edit('statement.json.sig', (body) =>
          resigned(body, (blob) => Buffer.concat([blob, Buffer.from([0])])),
        ),
      'signature-malformed statement.json.sig',
    ],
    [
      'raises the version of the signature',
      () =>
        one.edit('statement.json.sig', (body) => resigned(body, (blob) => (blob.writeUInt32BE(2, 6), blob))),
      'signature-malformed statement.json.sig',
    ],
    [
      'spells the base64 of the signature in another way',
      () => one.edit('statement.json.sig', (body) => body.replace('\n-----END', '=\n-----END')),
      'signature-malformed statement.json.sig',
    ],
    [
      'takes the signature of other evidence',
      async () => {
        const other = await Sealed.in(one.place, goodRun(), 'other')
        for (const name of ['statement.json.sig', 'statement.dsse.json']) one.write(name, other.read(name))
      },
      'signature-wrong statement.json.sig',
      'payload-differs statement.dsse.json',
    ],
    [
      'takes statement and signatures of other evidence',
      async () => {
        const other = await Sealed.in(one.place, goodRun(), 'other')
        for (const name of ['statement.json', 'statement.json.sig', 'statement.dsse.json'])
          one.write(name, other.read(name))
      },
      'file-altered SHA256SUMS',
      'file-altered journal.jsonl',
      'file-altered junit.xml',
      'file-altered report.html',
      'file-altered report.md',
      'file-altered run.json',
    ],
    [
      'gives the payload another type',
      () =>
        one.editJson('statement.dsse.json', (value: Envelope) => ({ ...value, payloadType: 'text/plain' })),
      'payload-type statement.dsse.json',
    ],
    [
      'exchanges the payload',
      () =>
        one.editJson('statement.dsse.json', (value: Envelope) => ({
          ...value,
          payload: Buffer.from('{}').toString('base64'),
        })),
      'signature-wrong statement.dsse.json',
    ],
    [
      'exchanges the signature in the envelope',
      () =>
        one.editJson('statement.dsse.json', (value: Envelope) => ({
          ...value,
          signatures: [{ ...value.signatures[0], sig: Buffer.alloc(64).toString('base64') }],
        })),
      'signature-wrong statement.dsse.json',
    ],
    [
      'removes the signature from the envelope',
      () => one.editJson('statement.dsse.json', (value: Envelope) => ({ ...value, signatures: [] })),
      'envelope-malformed statement.dsse.json',
    ],
    [
      'adds a second signature to the envelope',
      () =>
        one.editJson('statement.dsse.json', (value: Envelope) => ({
          ...value,
          signatures: [...value.signatures, ...value.signatures],
        })),
      'envelope-malformed statement.dsse.json',
    ],
    [
      'names another algorithm in the envelope',
      () =>
        one.editJson('statement.dsse.json', (value: Envelope) => ({
          ...value,
          signatures: [{ ...value.signatures[0], alg: 'none' }],
        })),
      'envelope-malformed statement.dsse.json',
    ],
    [
      'names another key in the envelope',
      () =>
        one.editJson('statement.dsse.json', (value: Envelope) => ({
          ...value,
          signatures: [{ ...value.signatures[0], keyid: 'SHA256:nobody' }],
        })),
      'key-unknown statement.dsse.json',
    ],
    [
      'breaks the envelope',
      () => one.write('statement.dsse.json', '{'),
      'envelope-malformed statement.dsse.json',
    ],
    [
      'spells the base64 of the envelope in another way',
      () =>
        one.editJson('statement.dsse.json', (value: Envelope) => ({
          ...value,
          payload: value.payload.replace(/=*$/, '===='),
        })),
      'envelope-malformed statement.dsse.json',
    ],
    [
      'writes bytes that are no text',
      () => one.write('statement.json', Buffer.from([0xff, 0xfe])),
      'file-unreadable statement.json',
    ],
  ])
})

describe('somebody with another key', () => {
  const unknown = ['key-unknown statement.json.sig', 'key-unknown statement.dsse.json'] as const
  run([
    ['signs the evidence as it is', () => one.sign(strangersKey()), ...unknown],
    [
      'changes the outcome, makes everything again and signs it',
      () => {
        one.rewrite((entries) =>
          entries.map((entry) =>
            entry.type === 'settled' ? { ...entry, outcome: 'succeeded', failure: null } : entry,
          ),
        )
        one.sign(strangersKey())
      },
      ...unknown,
    ],
    [
      'names the trusted key in an envelope of theirs',
      () => {
        one.edit('statement.dsse.json', (body) => {
          const value = JSON.parse(body) as Envelope
          const sig = sign(
            null,
            preAuthentication(value.payloadType, Buffer.from(value.payload, 'base64')),
            strangersKey(),
          ).toString('base64')
          return `${canonical({ ...value, signatures: [{ keyid: value.signatures[0]?.keyid ?? '', sig }] })}\n`
        })
      },
      'signature-wrong statement.dsse.json',
    ],
    [
      'puts the trusted key into a signature of theirs',
      () =>
        one.edit('statement.json.sig', (body) => {
          const stranger = strangersKey()
          one.sign(stranger)
          return (
            resigned(one.read('statement.json.sig'), (blob) =>
              Buffer.from(
                blob
                  .toString('latin1')
                  .replace(publicBlob(stranger).toString('latin1'), publicBlob(one.key).toString('latin1')),
                'latin1',
              ),
            ) || body
          )
        }),
      'signature-wrong statement.json.sig',
      'key-unknown statement.dsse.json',
    ],
    [
      'signs with RSA',
      () => {
        const key = join(one.place, 'rsa')
        execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', key])
        one.remove('statement.json.sig')
        execFileSync(
          'ssh-keygen',
          ['-q', '-Y', 'sign', '-f', key, '-n', 'runbook-evidence', join(one.folder, 'statement.json')],
          { stdio: 'pipe' },
        )
      },
      'signature-algorithm statement.json.sig',
    ],
  ])
})

describe('a key that the reader does not trust for this', () => {
  run([
    [
      'is none, where the list holds other keys',
      () => void (one.trusted = trusting(strangersKey(), 'namespaces="runbook-evidence"')),
      'key-unknown statement.json.sig',
      'key-unknown statement.dsse.json',
    ],
    [
      'is none, where the list is empty',
      () => void (one.trusted = []),
      'key-unknown statement.json.sig',
      'key-unknown statement.dsse.json',
    ],
    [
      'is expired',
      () => void (one.trusted = trusting(one.key, 'valid-before="20260203041500Z"')),
      'key-expired statement.json.sig',
      'key-expired statement.dsse.json',
    ],
    [
      'is not yet valid',
      () => void (one.trusted = trusting(one.key, 'valid-after="20260203041600Z"')),
      'key-not-yet-valid statement.json.sig',
      'key-not-yet-valid statement.dsse.json',
    ],
    [
      'is good in its time',
      () => void (one.trusted = trusting(one.key, 'valid-after="20260203",valid-before="20260301Z"')),
    ],
    [
      'is good in the second of its two times',
      () =>
        void (one.trusted = [
          ...trusting(one.key, 'valid-before="20250101"'),
          ...trusting(one.key, 'valid-after="20260101"'),
        ]),
    ],
    [
      'has no time that could be asked, where the statement is undated',
      () => {
        one.sign(one.key, ({ predicate, ...rest }: Statement) => ({
          ...rest,
          predicate: { ...predicate, startedAt: null, endedAt: null },
        }))
        one.trusted = trusting(one.key, 'valid-before="29990101Z"')
      },
      'key-expired statement.json.sig',
      'key-expired statement.dsse.json',
      'statement-differs statement.json',
    ],
  ])
})

describe('somebody with the key, whose words do not agree', () => {
  const subject = (change: (subjects: Subject[]) => readonly Subject[]) => (value: Statement) => ({
    ...value,
    subject: change(value.subject),
  })
  run([
    [
      'changes the record and not the journal',
      () => (one.editJson('run.json', (value: object) => ({ ...value, outcome: 'succeeded' })), one.sign()),
      'run-differs run.json',
    ],
    [
      'changes the report and not the record',
      () => (one.edit('report.md', (body) => body.replace('needs a person', 'succeeded')), one.sign()),
      'report-differs report.md',
    ],
    [
      'changes the page and not the record',
      () => (one.edit('report.html', (body) => body.replace('needs a person', 'succeeded')), one.sign()),
      'page-differs report.html',
    ],
    ['leaves the page away', () => (one.remove('report.html'), one.sign()), 'file-missing report.html'],
    [
      'changes the test report',
      () => (one.edit('junit.xml', (body) => body.replace('failures="2"', 'failures="0"')), one.sign()),
      'junit-differs junit.xml',
    ],
    [
      'writes the record in another way',
      () => (one.edit('run.json', (body) => JSON.stringify(JSON.parse(body), null, 1)), one.sign()),
      'run-not-canonical run.json',
    ],
    [
      'leaves the record empty',
      () => (
        one.sign(),
        one.edit('SHA256SUMS', (body) => body.replace(sha256(one.read('run.json')), sha256('{}\n'))),
        one.write('run.json', '{}\n'),
        resubject('run.json'),
        resubject('SHA256SUMS')
      ),
      'run-malformed run.json',
    ],
    [
      'changes an entry',
      () => (one.edit('journal.jsonl', (body) => body.replace('"by":"ada"', '"by":"bob"')), one.sign()),
      'chain-broken journal.jsonl',
    ],
    [
      'drops an entry from the middle',
      () => (one.edit('journal.jsonl', (body) => body.replace(/^.*"undo-intent".*\n/m, '')), one.sign()),
      'chain-broken journal.jsonl',
    ],
    [
      'drops the first entry',
      () => (one.edit('journal.jsonl', (body) => body.replace(/^.*\n/, '')), one.sign()),
      'chain-broken journal.jsonl',
    ],
    [
      'puts two entries in another order',
      () => (
        one.edit('journal.jsonl', (body) => body.replace(/^(.*\n.*\n)(.*\n)(.*\n)/, '$1$3$2')),
        one.sign()
      ),
      'chain-broken journal.jsonl',
    ],
    [
      'doubles an entry',
      () => (one.edit('journal.jsonl', (body) => body.replace(/^(.*\n)(.*\n)/, '$1$2$2')), one.sign()),
      'chain-broken journal.jsonl',
    ],
    [
      'cuts the end of the journal off',
      () => (one.edit('journal.jsonl', (body) => body.replace(/.*\n$/, '')), one.sign()),
      'count-differs journal.jsonl',
    ],
    [
      'puts another last entry',
      () => (
        one.edit('journal.jsonl', () => {
          const before = one.read('run.json')
          one.rewrite((entries) => [...entries.slice(0, -1), { type: 'released', by: 'eve', reason: 'x' }])
          const after = one.read('journal.jsonl')
          one.write('run.json', before)
          return after
        }),
        one.sign()
      ),
      'head-differs journal.jsonl',
    ],
    [
      'writes an entry in another way',
      () => (one.edit('journal.jsonl', (body) => body.replace('{"at"', '{ "at"')), one.sign()),
      'journal-malformed journal.jsonl',
    ],
    [
      'puts a line there that is no entry',
      () => (one.edit('journal.jsonl', (body) => `${body}null\n`), one.sign()),
      'journal-malformed journal.jsonl',
    ],
    [
      'leaves the end of the last line away',
      () => (one.edit('journal.jsonl', (body) => body.trimEnd()), one.sign()),
      'journal-malformed journal.jsonl',
    ],
    [
      'empties the journal',
      () => (one.write('journal.jsonl', ''), one.sign()),
      'journal-malformed journal.jsonl',
    ],
    [
      'exchanges a log',
      () => (one.edit(log, (body) => body.replace('data', 'nothing')), one.sign()),
      `log-differs ${log}`,
    ],
    ['shortens a log', () => (one.edit(log, (body) => body.slice(0, -1)), one.sign()), `log-differs ${log}`],
    ['leaves a log away', () => (one.remove(log), one.sign()), `log-differs ${log}`, 'folder-extra logs'],
    [
      'does not vouch for the report',
      () =>
        one.sign(
          one.key,
          subject((all) => all.filter(({ name }) => name !== 'report.md')),
        ),
      'subject-missing report.md',
    ],
    [
      'does not vouch for the page',
      () =>
        one.sign(
          one.key,
          subject((all) => all.filter(({ name }) => name !== 'report.html')),
        ),
      'file-extra report.html',
    ],
    [
      'does not vouch for a log',
      () =>
        one.sign(
          one.key,
          subject((all) => all.filter(({ name }) => name !== log)),
        ),
      `file-extra ${log}`,
    ],
    [
      "does not vouch for the journal's end",
      () =>
        one.sign(
          one.key,
          subject((all) => all.filter(({ name }) => !name.includes('journal-head'))),
        ),
      'subject-missing \\journal-head',
      'head-differs journal.jsonl',
      'statement-differs statement.json',
    ],
    [
      'vouches for nothing',
      () =>
        one.sign(
          one.key,
          subject(() => []),
        ),
      'subject-missing \\journal-head',
      'subject-missing SHA256SUMS',
      'subject-missing journal.jsonl',
      'subject-missing junit.xml',
      'subject-missing report.md',
      'subject-missing run.json',
      'file-extra report.html',
      `file-extra ${log}`,
    ],
    [
      'vouches for a file twice',
      () =>
        one.sign(
          one.key,
          subject((all) => [...all, ...all.filter(({ name }) => name === 'run.json')]),
        ),
      'subject-twice run.json',
    ],
    [
      'vouches for a file that is not there',
      () =>
        one.sign(
          one.key,
          subject((all) => [...all, { name: 'more.txt', digest: { sha256: sha256('') } }]),
        ),
      'file-missing more.txt',
      'statement-differs statement.json',
    ],
    [
      'vouches by another digest',
      () =>
        one.sign(
          one.key,
          subject((all) =>
            all.map((one) =>
              one.name === 'run.json' ? { ...one, digest: { md5: 'd41d8cd98f00b204e9800998ecf8427e' } } : one,
            ),
          ),
        ),
      'digest-algorithm run.json',
    ],
    [
      'vouches by a second digest too',
      () =>
        one.sign(
          one.key,
          subject((all) =>
            all.map((one) =>
              one.name === 'run.json' ? { ...one, digest: { ...one.digest, md5: 'x' } } : one,
            ),
          ),
        ),
      'digest-algorithm run.json',
    ],
    [
      'counts other entries',
      () =>
        one.sign(one.key, (value: Statement) => ({
          ...value,
          predicate: { ...value.predicate, journal: { ...value.predicate.journal, count: 3 } },
        })),
      'count-differs journal.jsonl',
      'statement-differs statement.json',
    ],
    [
      'names another end of the journal',
      () =>
        one.sign(one.key, (value: Statement) => ({
          ...value,
          predicate: { ...value.predicate, journal: { ...value.predicate.journal, hash: '0'.repeat(64) } },
        })),
      'head-differs statement.json',
    ],
    [
      'claims another outcome in the statement',
      () =>
        one.sign(one.key, (value: Statement) => ({
          ...value,
          predicate: { ...value.predicate, outcome: 'succeeded' },
        })),
      'statement-differs statement.json',
    ],
    [
      'claims another story in the statement',
      () =>
        one.sign(one.key, (value: Statement) => ({
          ...value,
          predicate: { ...value.predicate, story: '9.9' },
        })),
      'statement-differs statement.json',
    ],
    [
      'makes another kind of statement',
      () =>
        one.sign(one.key, (value: Statement) => ({
          ...value,
          predicateType: 'https://slsa.dev/provenance/v1',
        })),
      'statement-type statement.json',
    ],
    [
      'makes no in-toto statement',
      () =>
        one.sign(one.key, (value: Statement) => ({ ...value, _type: 'https://in-toto.io/Statement/v0.1' })),
      'statement-type statement.json',
    ],
    [
      'lies in the sums',
      () => {
        one.sign()
        one.edit('SHA256SUMS', (body) => body.replace(/^./, (digit) => (digit === '0' ? '1' : '0')))
        resubject('SHA256SUMS')
      },
      'sums-differ journal.jsonl',
    ],
    [
      'leaves a file out of the sums',
      () => {
        one.sign()
        one.edit('SHA256SUMS', (body) => body.replace(/^.*report\.md\n/m, ''))
        resubject('SHA256SUMS')
      },
      'sums-differ report.md',
    ],
    [
      'breaks the sums',
      () => {
        one.sign()
        one.edit('SHA256SUMS', (body) => `${body}nonsense\n`)
        resubject('SHA256SUMS')
      },
      'sums-malformed SHA256SUMS',
    ],
    [
      'lists a file twice in the sums',
      () => {
        one.sign()
        one.edit('SHA256SUMS', (body) => body + body)
        resubject('SHA256SUMS')
      },
      'sums-malformed SHA256SUMS',
    ],
    [
      'vouches for a name that looks like another',
      () => (one.write('report\u202e.md', 'x'), one.sign()),
      'file-extra report\u202e.md',
    ],
    [
      'claims to be a newer program',
      () => (one.editJson('run.json', (value: object) => ({ ...value, rendering: 999 })), one.sign()),
      'rendering-unknown run.json',
    ],
    ['signs for another purpose', () => signAs('git', 'sha512'), 'signature-namespace statement.json.sig'],
    [
      'signs over a weaker hash',
      () => signAs('runbook-evidence', 'sha256'),
      'signature-algorithm statement.json.sig',
    ],
    [
      'signs the reserved field with something in it',
      () => signAs('runbook-evidence', 'sha512', 'x'),
      'signature-malformed statement.json.sig',
    ],
  ])
})

describe('a verifier', () => {
  it('says what is wrong in words', async () => {
    one.edit('report.md', (body) => `${body}x`)
    expect(await verifyEvidence(one.folder, { trusted: one.trusted, filesOf })).toEqual([
      { reason: 'file-altered', file: 'report.md', says: 'the file differs from the signed one' },
    ])
  })

  it('does not take what it may not read for sound', async () => {
    if (process.getuid?.() === 0) return expect(await one.defects()).toEqual([])
    chmodSync(join(one.folder, 'run.json'), 0)
    return expect(await one.defects()).toEqual(['file-unreadable run.json'])
  })

  it('fails closed where the files cannot be rendered again', async () => {
    const filesOf = () => {
      throw new RangeError('no such step')
    }
    expect(
      (await verifyEvidence(one.folder, { trusted: one.trusted, filesOf })).map(({ reason }) => reason),
    ).toEqual(['journal-malformed'])
  })

  it('is not brought down by nesting', async () => {
    for (const name of ['run.json', 'statement.json', 'statement.dsse.json'])
      one.write(name, `${'['.repeat(200_000)}${']'.repeat(200_000)}\n`)
    one.write('journal.jsonl', `{"entry":${'['.repeat(200_000)}${']'.repeat(200_000)}}\n`)
    expect((await one.defects()).length).toBeGreaterThanOrEqual(3)
  })
})

const blobOf = (armored: string): Buffer => Buffer.from(armored.split('\n').slice(1, -2).join(''), 'base64')
const armor = (blob: Buffer): string =>
  `-----BEGIN SSH SIGNATURE-----\n${blob.toString('base64')}\n-----END SSH SIGNATURE-----\n`
const resigned = (armored: string, change: (blob: Buffer) => Buffer): string => armor(change(blobOf(armored)))
const flipInside = (armored: string, at: number): string =>
  resigned(armored, (blob) => {
    const place = blob.length + at
    blob[place] = (blob[place] ?? 0) ^ 1
    return blob
  })

/** The statement with a right digest for a file that was changed after it, signed with the right key. */
function resubject(name: string): void {
  const digest = { sha256: sha256(one.read(name)) }
  const value = JSON.parse(one.read('statement.json')) as Statement
  one.signText(
    `${canonical({ ...value, subject: value.subject.map((subject) => (subject.name === name ? { name, digest } : subject)) } as never)}\n`,
  )
}

/** An SSH signature by the right key, under other terms. */
function signAs(namespace: string, hash: string, reserved = ''): void {
  const payload = Buffer.from(one.read('statement.json'))
  const terms = [field(namespace), field(reserved), field(hash)]
  const signature = sign(
    null,
    Buffer.concat([Buffer.from('SSHSIG'), ...terms, field(createHash(hash).update(payload).digest())]),
    one.key,
  )
  one.write(
    'statement.json.sig',
    armor(
      Buffer.concat([
        Buffer.from('SSHSIG'),
        Buffer.from([0, 0, 0, 1]),
        field(publicBlob(one.key)),
        ...terms,
        field(Buffer.concat([field('ssh-ed25519'), field(signature)])),
      ]),
    ),
  )
}
