import type { Output, Script } from '../../../src/index.ts'
import { duty, type DutyDone } from '../duty.ts'

type Item = Parameters<typeof duty>[0] & {
  readonly name: string
  /** Of the step. Default: its name, `notify-stakeholders` as "Notify stakeholders". */
  readonly title?: string
}

type AddStep = Pick<Script<unknown, never>, 'step'>['step']

/** Adds several duties, one after another, each as its own step: `checklist(step, [{ name, what }, …])`. */
export function checklist(step: AddStep, items: readonly Item[]): readonly Output<DutyDone>[] {
  return items.map(({ title, ...item }) => step(title ?? titleOf(item.name), duty(item)))
}

const titleOf = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('-', ' ')
