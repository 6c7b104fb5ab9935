import { nearest } from '../kernel/did-you-mean.ts'
import { shown } from '../kernel/errors.ts'
import { isFields } from '../kernel/json.ts'
import { addressOf, nameOf } from './ref.ts'
import { isStepFunction } from './step.ts'

/** What is wrong with a call in a script, as a clause after the runbook's name, and what to write. */
type Fault = { readonly what: string; readonly hint: string }

const options = ['id', 'timeoutSeconds', 'retry']

/** Why `step(title, call, options)` and `lastly(…)` cannot be recorded, in code that no compiler has checked. */
export function callFault(title: unknown, call: unknown, given: unknown): Fault | null {
  if (typeof title !== 'string')
    return { what: `the title of a step is ${kindOf(title)}`, hint: "write step('What it does', call)" }
  const address = addressOf(call)
  if (address !== undefined)
    return {
      what: `"${title}" is given ${nameOf(address)}, a ref, in place of a call`,
      hint: `pass the call of a step: step('${title}', stopServices({ … }))`,
    }
  if (typeof call === 'function')
    return {
      what: `"${title}" is given ${isStepFunction(call) ? `the step ${call.step.kind}` : 'a function'}, which was not called`,
      hint: `call it with its input: step('${title}', stopServices({ … }))`,
    }
  if (!isFields(call) || !isFields(call['step']) || typeof call['step']['kind'] !== 'string')
    return {
      what: `"${title}" is given ${kindOf(call)} in place of a call`,
      hint: `pass the call of a step: step('${title}', stopServices({ … })); defineStep(…) makes steps`,
    }
  const { input } = call
  if (input !== undefined && (!isFields(input) || addressOf(input) !== undefined))
    return {
      what: `the input of "${title}" is ${kindOf(input)}, not an object`,
      hint: 'pass an object with the fields of its input, which may be refs',
    }
  return optionsFault(title, given)
}

function optionsFault(title: string, given: unknown): Fault | null {
  if (!isFields(given))
    return {
      what: `the options of "${title}" are ${kindOf(given)}, not an object`,
      hint: 'write { timeoutSeconds: 60 }, or leave them out',
    }
  const unknown = Object.keys(given).find((name) => !options.includes(name))
  if (unknown !== undefined)
    return {
      what: `"${title}" has the unknown option ${unknown}`,
      hint: nearest(unknown, options, (best) => `did you mean ${best}?`) || `use ${options.join(', ')}`,
    }
  const { retry } = given
  return retry === undefined || isFields(retry)
    ? null
    : {
        what: `retry of "${title}" is ${kindOf(retry)}, not an object`,
        hint: 'write retry: { times: 3, delaySeconds: 10 }',
      }
}

/** Why `parallel(title, record)` cannot be recorded. */
export const groupFault = (title: unknown, record: unknown): Fault | null =>
  typeof title === 'string' && title.trim() !== '' && typeof record === 'function'
    ? null
    : {
        what: `parallel(…) is given ${kindOf(title)} and ${kindOf(record)}, not a title and a function`,
        hint: "write parallel('Title', () => { step(…) })",
      }

/** Why the cases of `when(ref, cases)` cannot be recorded. */
export function casesFault(cases: unknown): Fault | null {
  const hint = 'write when(ref, { value: () => { step(…) } }), with one function per value'
  if (!isFields(cases)) return { what: `when(…) is given ${kindOf(cases)} in place of its branches`, hint }
  const wrong = Object.entries(cases).find(([, record]) => typeof record !== 'function')
  return wrong === undefined
    ? null
    : { what: `the branch ${wrong[0]} of when(…) is ${kindOf(wrong[1])}, not a function`, hint }
}

/** Why `pointOfNoReturn(because)` cannot be recorded. */
export const pivotFault = (because: unknown): Fault | null =>
  typeof because === 'string' && because.trim() !== ''
    ? null
    : {
        what: 'pointOfNoReturn(…) has no reason',
        hint: "say it in one sentence: pointOfNoReturn('The service answers.')",
      }

/** What a value is, without what it holds. */
function kindOf(value: unknown): string {
  const address = addressOf(value)
  if (address !== undefined) return `the ref ${nameOf(address)}`
  if (value === null || value === undefined) return String(value)
  if (value instanceof Promise) return 'a promise'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return `the text ${shown(value.slice(0, 40))}`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
