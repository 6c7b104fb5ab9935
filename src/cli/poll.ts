import type { Clock } from '../kernel/clock.ts'

/** Between two looks at the journal. */
const everyMilliseconds = 1_000

/** Looks again and again, and shows what it sees, until that says that nothing will change any more. */
export async function poll<T>(settings: {
  readonly clock: Pick<Clock, 'sleep'>
  readonly milliseconds?: number
  look(): Promise<T>
  show(seen: T): void
  goesOn(seen: T): boolean
}): Promise<T> {
  for (;;) {
    const seen = await settings.look()
    settings.show(seen)
    if (!settings.goesOn(seen)) return seen
    await settings.clock.sleep(settings.milliseconds ?? everyMilliseconds)
  }
}
