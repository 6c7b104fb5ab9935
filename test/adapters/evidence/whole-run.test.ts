import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { diskFiles } from '../../../src/adapters/disk/files.ts'
import { trustedKeys } from '../../../src/adapters/evidence/allowed-signers.ts'
import { DiskEvidence } from '../../../src/adapters/evidence/folder.ts'
import { readEvidence } from '../../../src/adapters/evidence/read.ts'
import { verifyEvidence } from '../../../src/adapters/evidence/verify.ts'
import { canonical, type Json } from '../../../src/kernel/json.ts'
import { Redactor } from '../../../src/kernel/redact.ts'
import { Secret } from '../../../src/kernel/secret.ts'
import { defineStep } from '../../../src/model/step.ts'
import { startRun, type Runtime } from '../../../src/run/start.ts'
import { evidenceFolder } from '../../../src/run/record/evidence-folder.ts'
import { resume } from '../../../src/run/resume.ts'
import { newsOf } from '../../../src/run/record/news.ts'
import { runStatusOf } from '../../../src/run/record/run-status.ts'
import { filesOf } from '../../../src/views/files.ts'
import { Killed, Machine, Power, runbook, toySteps } from '../../run/toy.ts'

/** The engine as it is, on a world of flags, with real evidence. */
describe('the evidence of a whole run', () => {
  let place = ''
  let machine: Machine
  const mask = new Redactor()
  mask.add(new Secret('TOKEN', 'the-token-of-the-day'))
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), 'runbook-whole-'))
    machine = new Machine()
  })
  afterEach(() => rmSync(place, { recursive: true }))

  const steps = () =>
    toySteps(
      () => machine.world,
      () => machine.power,
    )
  const say = defineStep<{ readonly text: string }, { readonly said: boolean }>({
    kind: 'toy.say',
    version: 1,
    effect: 'observe',
    describe: () => 'Says something.',
    run: async (look, { text }) => {
      look.note(text)
      return { said: true }
    },
  })
  const book = runbook('toy', { title: 'Toy', when: 'never', needs: [], params: {} }, ({ step }) => {
    step('Say', say({ text: 'the token is the-token-of-the-day' }))
    step('Set a', steps().set({ flag: 'a', to: '1' }))
    step('Set b', steps().set({ flag: 'b', to: '1' }))
  })
  const around = (): Runtime => ({
    ...machine.around(),
    mask,
    evidence: new DiskEvidence({ state: join(place, 'state'), files: diskFiles, mask }),
    folderOf: (run, order, startedAt) =>
      evidenceFolder({
        artifacts: join(place, 'artifacts'),
        story: order.story,
        startedAt,
        runbook: order.planned.plan.runbook,
        run,
        mode: order.mode,
      }),
    filesOf,
    statusOf: runStatusOf,
    newsOf,
  })
  const defects = async (folder: string) =>
    verifyEvidence(folder, {
      trusted: trustedKeys(readFileSync(join(place, 'state/allowed_signers'), 'utf8'), 'x'),
      filesOf,
    })

  it('verifies after success, after a way back, and after a dry run, which is told by its name', async () => {
    const good = await startRun(around(), { ...machine.order(book), story: '3.10' })
    expect([good.code, await defects(good.folder)]).toEqual(['succeeded', []])
    expect(good.folder).toMatch(/\/artifacts\/3\.10\/\d{4}-\d\d-\d\d-toy-\d{8}-\d{6}-\w{5}$/)

    machine = new Machine()
    machine.world.faults.set('b', 'after')
    const back = await startRun(around(), machine.order(book))
    expect([back.outcome, await defects(back.folder)]).toEqual(['rolled-back', []])
    expect(back.folder).toContain('/artifacts/_/')

    machine = new Machine()
    const dry = await startRun(around(), machine.order(book, {}, 'dry-run'))
    expect([dry.outcome, await defects(dry.folder)]).toEqual(['foretold', []])
    expect(dry.folder).toMatch(/-dry-run$/)
    expect([...machine.world.flags]).toEqual([])
  })

  it('holds no secret in any file, and shows what the step said', async () => {
    const { folder } = await startRun(around(), machine.order(book))
    const { record, logs } = await readEvidence(folder)
    for (const name of [
      'run.json',
      'journal.jsonl',
      'report.md',
      'report.html',
      'junit.xml',
      logs[0]?.file ?? '',
    ]) {
      expect(readFileSync(join(folder, name), 'utf8')).not.toContain('the-token')
    }
    expect(logs.map(({ file, tail }) => [file, Buffer.from(tail).toString()])).toEqual([
      ['logs/01-say.log', 'the token is [redacted:TOKEN]\n'],
    ])
    expect(canonical(record.steps[0]?.input as Json)).toBe('{"text":"the token is [redacted:TOKEN]"}')
  })

  it('verifies after a crash at any operation and a resume', async () => {
    let crashes = 0
    for (let left = 0; ; left++) {
      machine = new Machine().boot(new Power(left))
      const ended = await startRun(around(), machine.order(book)).catch((thrown: unknown) => thrown)
      if (!(ended instanceof Killed)) break
      crashes += 1
      const run = [...machine.journal.runsById.keys()][0]
      machine.boot()
      if (run === undefined) continue
      const result = await resume(around(), {
        run,
        way: 'forward',
        planned: machine.order(book).planned,
        accepted: null,
      }).catch((thrown: unknown) => thrown)
      const entries = machine.entries
      if (entries.at(-1)?.entry.type !== 'sealed') throw result
      const opened = entries[0]?.entry
      expect(opened?.type === 'opened' ? await defects(opened.evidence) : null).toEqual([])
    }
    expect(crashes).toBeGreaterThan(20)
  })
})
