import { describe, expect, it } from 'vitest'
import type { People, Question } from '../../src/drivers/people.ts'

export type PeopleScene = {
  readonly atTerminal?: boolean
  /** What is typed, one for each time something is asked. */
  readonly types?: readonly string[]
  readonly confirm?: string
  readonly yes?: boolean
  readonly restoreConfirm?: string
  readonly answers?: { readonly [duty: string]: string }
}

/** What every People driver must do. */
export function peopleContract(name: string, open: (scene: PeopleScene) => Promise<People>): void {
  const phrase: Question = {
    text: 'Restore?',
    phrase: 'restore shop',
    showing: { dump: 'shop.dump' },
    acceptsEnvironment: false,
  }
  const free: Question = { ...phrase, phrase: null }
  const lenient: Question = { ...phrase, acceptsEnvironment: true }
  const duty: Question = { ...free, duty: { name: 'tell', skippable: true } }
  const must: Question = { ...free, duty: { name: 'tell', skippable: false } }
  const refused = {
    name: 'RunbookError',
    code: 'preflight',
    message: expect.stringContaining('Restore?'),
    hint: expect.any(String),
  }

  const cases: readonly (readonly [
    string,
    Question,
    PeopleScene,
    'terminal' | 'flag' | 'environment',
    string,
  ])[] = [
    ['the phrase typed', phrase, { atTerminal: true, types: ['restore shop'] }, 'terminal', 'restore shop'],
    [
      'the phrase typed at the third try',
      phrase,
      { atTerminal: true, types: ['yes', 'Restore shop', 'restore shop'] },
      'terminal',
      'restore shop',
    ],
    ['the phrase as a flag', phrase, { confirm: 'restore shop' }, 'flag', 'restore shop'],
    [
      'the phrase as a flag before a terminal',
      phrase,
      { atTerminal: true, confirm: 'restore shop' },
      'flag',
      'restore shop',
    ],
    [
      'the phrase typed after a wrong flag',
      phrase,
      { atTerminal: true, confirm: 'wrong', types: ['restore shop'] },
      'terminal',
      'restore shop',
    ],
    [
      'anything typed',
      free,
      { atTerminal: true, types: ['', 'because of the drill'] },
      'terminal',
      'because of the drill',
    ],
    ['--yes where no phrase is asked', free, { yes: true }, 'flag', 'yes'],
    ['--confirm where no phrase is asked', free, { confirm: 'sure' }, 'flag', 'sure'],
    ['the variable where it is accepted', lenient, { restoreConfirm: 'YES' }, 'environment', 'YES'],
    ['what a flag says of a duty', duty, { answers: { tell: 'told everybody' } }, 'flag', 'told everybody'],
    [
      'a flag for a duty before a terminal',
      duty,
      { atTerminal: true, answers: { tell: 'told' }, types: ['typed'] },
      'flag',
      'told',
    ],
    [
      'a reason to skip a duty',
      duty,
      { answers: { tell: 'skip: nobody is awake' } },
      'flag',
      'skip: nobody is awake',
    ],
    [
      'a reason to skip typed after a bare skip',
      duty,
      { atTerminal: true, types: ['skip', 'skip it', 'skip: asleep'] },
      'terminal',
      'skip: asleep',
    ],
    [
      'what was done for a duty that cannot be skipped',
      must,
      { atTerminal: true, types: ['skip: no time', '', 'told'] },
      'terminal',
      'told',
    ],
    [
      'the terminal where the flag gives no reason',
      duty,
      { atTerminal: true, answers: { tell: 'skip:' }, types: ['told'] },
      'terminal',
      'told',
    ],
    [
      'a word that only begins like skip',
      duty,
      { answers: { tell: 'skipper informed' } },
      'flag',
      'skipper informed',
    ],
    [
      'the terminal rather than the variable',
      lenient,
      { atTerminal: true, restoreConfirm: 'YES', types: ['restore shop'] },
      'terminal',
      'restore shop',
    ],
  ]

  describe(`people, ${name}`, () => {
    it.each(cases)('takes %s', async (_, question, scene, how, text) => {
      const people = await open(scene)
      expect(await people.reachable(question)).toBe(how)
      expect(await people.ask(question)).toEqual({
        by: expect.stringMatching(/./),
        at: '2026-02-03T04:12:33.000Z',
        how,
        text,
      })
    })

    it.each([
      ['without anybody', phrase, {}],
      ['--yes for a phrase', phrase, { yes: true }],
      ['a wrong flag', phrase, { confirm: 'restore' }],
      ['a flag that differs by a space', phrase, { confirm: 'restore shop ' }],
      ['an empty flag', free, { confirm: '' }],
      ['the variable where it is not accepted', phrase, { restoreConfirm: 'YES' }],
      ['--yes for a duty', duty, { yes: true }],
      ['--confirm for a duty', duty, { confirm: 'told' }],
      ['an answer to another duty', duty, { answers: { told: 'everybody' } }],
      ['an empty answer to a duty', duty, { answers: { tell: ' ' } }],
      ['a skip without a reason', duty, { answers: { tell: 'skip: ' } }],
      ['a skip of a duty that cannot be skipped', must, { answers: { tell: 'skip: no time' } }],
      ['a variable that does not say YES', lenient, { restoreConfirm: 'yes' }],
    ] as readonly (readonly [string, Question, PeopleScene])[])('refuses %s', async (_, question, scene) => {
      const people = await open(scene)
      expect(await people.reachable(question)).toBeNull()
      await expect(people.ask(question)).rejects.toMatchObject(refused)
    })

    it('gives up after three wrong answers', async () => {
      const people = await open({ atTerminal: true, types: ['no', '', 'restore shop ', 'restore shop'] })
      expect(await people.reachable(phrase)).toBe('terminal')
      await expect(people.ask(phrase)).rejects.toMatchObject(refused)
    })
  })
}
