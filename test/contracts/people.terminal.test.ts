import { spawnSync } from 'node:child_process'
import { userInfo } from 'node:os'
import { describe, expect, it } from 'vitest'
import { peopleAt, type Operator } from '../../src/adapters/terminal/people.ts'
import { asking } from '../fixtures/asking.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { peopleContract, type PeopleScene } from './people.contract.ts'

const operator = (scene: PeopleScene, shown: string[] = []): Operator => {
  const types = [...(scene.types ?? [])]
  return {
    clock: { now: () => new Date('2026-02-03T04:12:33Z') },
    atTerminal: scene.atTerminal ?? false,
    prompt: async (message) => {
      shown.push(message)
      return types.shift() ?? ''
    },
    confirm: scene.confirm ?? null,
    yes: scene.yes ?? false,
    answers: scene.answers ?? {},
    environment: scene.restoreConfirm === undefined ? {} : { RESTORE_CONFIRM: scene.restoreConfirm },
  }
}

peopleContract('at a terminal', async (scene) => peopleAt(operator(scene), watchedScope()))

const question = {
  text: 'Restore?',
  phrase: "restore shop's",
  showing: { dump: 'a\u001b[2J\u202eb', bytes: 12 },
  acceptsEnvironment: false,
}

describe('people at a terminal', () => {
  it('see the facts, and what to type; control characters stay inert', async () => {
    const shown: string[] = []
    await peopleAt(
      operator({ atTerminal: true, types: ['no', "restore shop's"] }, shown),
      watchedScope(),
    ).ask(question)
    expect(shown).toEqual([
      "Restore?\n  dump: a\u{fffd}[2J\\u202eb\n  bytes: 12\nTo continue, type exactly:  restore shop's\n>",
      "Wrong answer, 2 tries left.\nRestore?\n  dump: a\u{fffd}[2J\\u202eb\n  bytes: 12\nTo continue, type exactly:  restore shop's\n>",
    ])
  })

  it('are asked nothing where nobody is, and the hint can be pasted', async () => {
    const shown: string[] = []
    await expect(peopleAt(operator({}, shown), watchedScope()).ask(question)).rejects.toMatchObject({
      hint: "add --confirm 'restore shop'\\''s'",
    })
    await expect(
      peopleAt(operator({}, shown), watchedScope()).ask({ ...question, acceptsEnvironment: true }),
    ).rejects.toMatchObject({
      hint: expect.stringContaining('RESTORE_CONFIRM=YES'),
    })
    expect(shown).toEqual([])
  })

  it('are named as the system knows them, behind sudo too', async () => {
    const by = async (environment: Operator['environment']): Promise<string> =>
      (
        await peopleAt({ ...operator({ yes: true }), environment }, watchedScope()).ask({
          ...question,
          phrase: null,
        })
      ).by
    expect(await by({ USER: 'somebody-else' })).toBe(userInfo().username)
    expect(await by({ SUDO_USER: 'kim' })).toBe(`kim (as ${userInfo().username})`)
    expect(await by({ SUDO_USER: userInfo().username })).toBe(userInfo().username)
  })

  it('can leave with Ctrl-C, and the step can be stopped while it waits', async () => {
    const leaving = Object.assign(new Error('User force closed the prompt'), { name: 'ExitPromptError' })
    const left = peopleAt(
      { ...operator({ atTerminal: true }), prompt: () => Promise.reject(leaving) },
      watchedScope(),
    )
    await expect(left.ask(question)).rejects.toMatchObject({ name: 'RunbookError', code: 'interrupted' })
    const stop = new AbortController()
    const prompt: Operator['prompt'] = (_, signal) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(new Error('AbortPromptError'))),
      )
    const waiting = peopleAt({ ...operator({ atTerminal: true }), prompt }, { signal: stop.signal }).ask(
      question,
    )
    setImmediate(() => stop.abort(new Error('timed out')))
    await expect(waiting).rejects.toThrow('timed out')
  })
})

describe('the prompt', () => {
  it('is not shown without a terminal, and the program ends in order', () => {
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', asking], {
      encoding: 'utf8',
      input: 'restore shop\n',
    })
    expect([stdout.trim(), status]).toEqual(['refused preflight', 3])
  })
})
