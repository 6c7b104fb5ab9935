import type { Stored } from '../../src/run/journal/entry.ts'
import type { Kill } from './kill.ts'

export type Way = 'resume' | 'rollback'

export type Point = { readonly point: string; readonly kill: Kill }
export type Case = { readonly name: string; readonly kill: Kill; readonly way: Way }

export const ways: readonly Way[] = ['resume', 'rollback']

/**
 * The points of one step on the way forward, from a run that nobody killed, at which the real world may be in a state that only reality shows.
 * Those around a step, where the world is at rest, are proven on the in-memory world: see docs/testing.md.
 */
export function pointsOfStep(reference: readonly Stored[], step: string): readonly Point[] {
  return points(reference, step, 'intent', 'ended', [0.3, 0.7])
}

/** Once in the middle, since from there only one way is left. */
export function pointsOfUndo(reference: readonly Stored[], step: string): readonly Point[] {
  return points(reference, step, 'undo-intent', 'undo-ended', [0.5]).map(({ point, kill }) => ({
    point: `in undo, ${point}`,
    kill,
  }))
}

/** @param shares of the time that the step took, at which it is killed where it changes something */
function points(
  reference: readonly Stored[],
  step: string,
  intent: string,
  ended: string,
  shares: readonly number[],
): readonly Point[] {
  const of = (type: string): Stored | undefined =>
    reference.find(({ entry }) => entry.type === type && entry['step'] === step)
  const [begin, end] = [of(intent), of(ended)]
  if (begin === undefined || end === undefined)
    throw new Error(`the reference run has no ${intent} of ${step}`)
  const milliseconds = Date.parse(end.at) - Date.parse(begin.at)
  const changes = acts(reference, step)
  // The first program that is started within: a step of which the work takes no time is hit in its work all the same.
  const programs = reference.filter(({ entry }) => entry.type === 'spawned' && entry.step === step)
  const first = programs.findIndex(({ seq }) => seq > begin.seq && seq < end.seq)
  return [
    ...(changes ? shares : [0.4]).map((share): Point => ({
      point: `mid-effect, at ${share * 100} %`,
      kill: { when: 'during', type: intent, step, wait: Math.round(milliseconds * share) },
    })),
    ...(first < 0
      ? []
      : [
          {
            point: 'when its first program has started',
            kill: { when: 'after', type: 'spawned', step, count: first + 1 },
          } as const,
        ]),
    ...(changes ? [{ point: 'after effect', kill: { when: 'before', type: ended, step } } as const] : []),
  ]
}

function acts([first]: readonly Stored[], step: string): boolean {
  return (
    first?.entry.type === 'opened' &&
    first.entry.plan.steps.some(
      ({ id, effect }) => id === step && (effect === 'change' || effect === 'destroy'),
    )
  )
}

/**
 * What to try in one step: in the middle resumed early and rolled back late; both ways once a program has started, since
 * it may outlive ours; and one way else: an effect that is complete is undone in the runs that fail.
 */
export const casesOfStep = (reference: readonly Stored[], step: string): readonly Case[] => {
  const given = pointsOfStep(reference, step)
  if (!acts(reference, step)) return inOneWay(given)
  const started = ({ kill }: Point): boolean => kill.type === 'spawned'
  return [...inBothWays(given.filter(started)), ...inOneWay(given.filter((point) => !started(point)))]
}

/** After the intent, before anything is done: the system is as it was, so one step stands for all. */
export const casesAfterIntent = (step: string): readonly Case[] =>
  inBothWays([{ point: 'after intent', kill: { when: 'after', type: 'intent', step } }])

/** Around the entries that belong to no step. */
export function pointsOfRun(types: readonly string[]): readonly Point[] {
  return types.flatMap((type) =>
    (['before', 'after'] as const).map((when) => ({ point: `${when} ${type}`, kill: { when, type } })),
  )
}

export const inBothWays = (points: readonly Point[]): readonly Case[] =>
  points.flatMap(({ point, kill }) => ways.map((way) => caseOf(point, kill, way)))

/** One way a point, the other way at the next: where the way after it is the engine's business alone. */
export const inOneWay = (points: readonly Point[], first: Way = 'resume'): readonly Case[] =>
  points.map(({ point, kill }, index) =>
    caseOf(point, kill, index % 2 === 0 ? first : first === 'resume' ? 'rollback' : 'resume'),
  )

/** Where only one way is left: at the first point the other one is typed first, and is to be refused. */
export const wrongWayFirst = (points: readonly Point[], wrong: Way): readonly Case[] =>
  points.map(({ point, kill }, index) =>
    caseOf(point, kill, index === 0 ? wrong : wrong === 'resume' ? 'rollback' : 'resume'),
  )

const caseOf = (point: string, kill: Kill, way: Way): Case => ({ name: `${point}, then ${way}`, kill, way })

/** Ids of the steps that began, in order. */
export function stepsOf(
  reference: readonly Stored[],
  type: 'intent' | 'undo-intent' = 'intent',
): readonly string[] {
  return [...new Set(reference.flatMap(({ entry }) => (entry.type === type ? [entry.step] : [])))]
}
