import type { Call, Webhook } from '../../../src/index.ts'
import { duty, type DutyDone } from '../duty.ts'
import { notify, type Notified } from '../notify.ts'

type Notice = {
  readonly name: string
  /** Null: a person is asked instead. */
  readonly hook: Webhook | null
  readonly text: string
  /** What a person is asked to do. */
  readonly what: string
}

/** Notifies through the webhook where there is one; otherwise asks a person to. */
export const notifyOrAsk = ({ name, hook, text, what }: Notice): Call<Notified | DutyDone> =>
  hook === null ? duty({ name, what }) : notify({ name, hook, text })
