import { nearest } from '../kernel/did-you-mean.ts'
import { RunbookError, shown } from '../kernel/errors.ts'
import { isFields } from '../kernel/json.ts'
import { everywhere } from '../drivers/leftover.ts'

/** What is wrong with a definition, as a clause after its subject, and what to write. */
type Fault = { readonly what: string; readonly hint: string }

type Fields = { readonly [name: string]: unknown }

const effects = ['observe', 'decide', 'exercise', 'change', 'destroy']

/**
 * Checks the shape of a step, for code that no compiler has checked.
 * @throws RunbookError `usage` that names the kind of the step and what is missing or wrong
 */
export function checkStep(step: unknown): void {
  // A former kind is looked up in the step alone, so its own former kinds are never used.
  for (const one of [step, ...formerOf(step)]) checkOne(one)
}

const formerOf = (step: unknown): readonly unknown[] =>
  isFields(step) && Array.isArray(step['formerly']) ? step['formerly'] : []

function checkOne(step: unknown): void {
  if (!isFields(step))
    throw new RunbookError('usage', 'a step is not an object', {
      hint: "write defineStep({ kind: 'object.action', … })",
      by: 'author',
    })
  const { kind } = step
  if (!isText(kind))
    throw new RunbookError('usage', 'a step has no kind', {
      hint: "give it one: kind: 'object.action', such as 'database.swap'",
      by: 'author',
    })
  const fault = faultOf(step)
  if (fault !== null)
    throw new RunbookError('usage', `the step ${kind} ${fault.what}`, { hint: fault.hint, by: 'author' })
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== ''

function faultOf(step: Fields): Fault | null {
  const { version, effect, timeoutSeconds, leaves, marks, formerly, addressedBy } = step
  if (!Number.isInteger(version) || Number(version) < 1)
    return { what: 'has no version', hint: 'give it a whole number: version: 1' }
  if (!effects.includes(effect as string))
    return {
      what: effect === undefined ? 'has no effect' : `has the unknown effect ${shown(effect)}`,
      hint: `use one of ${effects.join(', ')}`,
    }
  if (timeoutSeconds !== undefined && typeof timeoutSeconds !== 'number')
    return { what: 'has a timeoutSeconds that is not a number', hint: 'write it as timeoutSeconds: 60' }
  if (addressedBy !== undefined && !isText(addressedBy))
    return {
      what: 'has an addressedBy that is not a text',
      hint: "name a field of its input: addressedBy: 'name'",
    }
  if (leaves !== undefined && !(Array.isArray(leaves) && leaves.every((place) => everywhere.includes(place))))
    return {
      what: `has the unknown leaves ${shown(leaves)}`,
      hint: `use a list of ${everywhere.join(', ')}, or [] for nothing`,
    }
  if (formerly !== undefined && !Array.isArray(formerly))
    return { what: 'has a formerly that is not a list', hint: 'write it as formerly: [formerKind(…)]' }
  return (
    misspelt(step, names) ??
    wrongFunction(
      step,
      ['describe', 'run'],
      ['brings', 'needs', 'secrets', 'preflight', 'predict', 'stillHolds'],
    ) ??
    markFault(marks) ??
    wrongFlag(step) ??
    (effect === 'change' || effect === 'destroy' ? actingFault(step) : null)
  )
}

const names = [
  'kind',
  'version',
  'effect',
  'leaves',
  'addressedBy',
  'timeoutSeconds',
  'marks',
  'formerly',
  'duty',
  'lookAgain',
  'volatile',
  'describe',
  'brings',
  'needs',
  'secrets',
  'preflight',
  'survey',
  'predict',
  'run',
  'stillHolds',
  'probe',
  'undo',
  'alsoChanges',
  'undoGuards',
  'remains',
  'remainsAgain',
  'afterUndo',
  'irreversible',
  'rerunnable',
  'draft',
]

/** A field of another name is the author's own; one that is nearly a known name would be ignored unseen. */
function misspelt(fields: Fields, names: readonly string[]): Fault | null {
  for (const field of Object.keys(fields)) {
    const meant = names.includes(field) ? '' : nearest(field, names, (best) => best)
    if (meant !== '') return { what: `has an unknown field ${field}`, hint: `did you mean ${meant}?` }
  }
  return null
}

function actingFault(step: Fields): Fault | null {
  const { undo, irreversible } = step
  if (undo === undefined && irreversible === undefined)
    return {
      what: 'changes something and has neither undo nor irreversible',
      hint: "add undo(io, act), or irreversible: 'why it cannot be undone'",
    }
  if (undo !== undefined && irreversible !== undefined)
    return { what: 'has both undo and irreversible', hint: 'keep undo if it works, else irreversible' }
  if (irreversible !== undefined && !isText(irreversible))
    return {
      what: 'has an irreversible that is not a text',
      hint: "write irreversible: 'why it cannot be undone'",
    }
  return wrongFunction(
    step,
    ['survey', 'probe'],
    ['undo', 'alsoChanges', 'undoGuards', 'remains', 'remainsAgain', 'afterUndo'],
  )
}

function wrongFunction(step: Fields, required: readonly string[], optional: readonly string[]): Fault | null {
  for (const name of [...required, ...optional]) {
    const value = step[name]
    if (typeof value === 'function' || (value === undefined && optional.includes(name))) continue
    return {
      what: value === undefined ? `has no ${name}` : `has a field ${name} that is not a function`,
      hint: `write it as a function: ${name}(…) { … }`,
    }
  }
  return null
}

function wrongFlag(step: Fields): Fault | null {
  const name = ['duty', 'lookAgain', 'rerunnable'].find(
    (flag) => step[flag] !== undefined && typeof step[flag] !== 'boolean',
  )
  return name === undefined
    ? null
    : { what: `has ${name}: ${shown(step[name])}`, hint: `write ${name}: true, or leave it out` }
}

function markFault(marks: unknown): Fault | null {
  if (marks === undefined) return null
  const hint = 'use downFrom: true, upAfter: true, dataAsOf(output, input) or rows(output, input)'
  if (!isFields(marks)) return { what: 'has marks that are not an object', hint }
  const wrong = Object.entries(marks).find(([name, value]) =>
    ['dataAsOf', 'rows'].includes(name)
      ? typeof value !== 'function'
      : !['downFrom', 'upAfter'].includes(name) || typeof value !== 'boolean',
  )
  return wrong === undefined ? null : { what: `has an unknown or wrong mark ${wrong[0]}`, hint }
}

const aboutNames = ['title', 'when', 'needs', 'wants', 'params', 'remedy', 'makesRoom']

/**
 * Checks the shape of a runbook, for code that no compiler has checked.
 * @throws RunbookError `usage` that names the runbook and what is missing or wrong
 */
export function checkRunbook(name: unknown, about: unknown, record: unknown): void {
  if (typeof name !== 'string' || !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name))
    throw new RunbookError(
      'usage',
      `${shown(name)} is not a runbook name: use lowercase letters, digits and single hyphens`,
      {
        hint: "rename it, as in runbook('pause-queue', …)",
        by: 'author',
      },
    )
  const fault = runbookFault(about, record)
  if (fault !== null)
    throw new RunbookError('usage', `the runbook ${name} ${fault.what}`, { hint: fault.hint, by: 'author' })
}

function runbookFault(about: unknown, record: unknown): Fault | null {
  if (typeof about === 'function')
    return {
      what: 'has its script in place of its description',
      hint: "write runbook('name', { title: '…', when: '…' }, (script) => { … })",
    }
  if (!isFields(about))
    return { what: 'has no description', hint: "write runbook('name', { title: '…', when: '…' }, …)" }
  const misnamed = misspelt(about, aboutNames)
  if (misnamed !== null) return misnamed
  const { needs, wants, params, remedy, makesRoom } = about
  const text = ['title', 'when'].find((field) => typeof about[field] !== 'string')
  if (text !== undefined) return { what: `has no ${text}`, hint: `give it a text: ${text}: '…'` }
  if (needs !== undefined && !(Array.isArray(needs) && needs.every(isText)))
    return { what: 'has needs that is not a list', hint: "name sections of the target: needs: ['database']" }
  if (wants !== undefined && !(Array.isArray(wants) && wants.every(isText)))
    return { what: 'has wants that is not a list', hint: "name sections of the target: wants: ['smoke']" }
  if (params !== undefined && !isFields(params))
    return {
      what: 'has params that are not an object',
      hint: "write params: { name: param.text('what it is') }, or leave them out",
    }
  const wrong = Object.entries(params ?? {}).find(
    ([, one]) => !isFields(one) || typeof one['parse'] !== 'function',
  )
  if (wrong !== undefined)
    return {
      what: `has a parameter ${wrong[0]} that is not made with param`,
      hint: `write ${wrong[0]}: param.text('what it is')`,
    }
  if (remedy !== undefined && !isFields(remedy))
    return { what: 'has a remedy that is not an object', hint: 'write remedy: {} or remedy: { name: value }' }
  if (makesRoom !== undefined && makesRoom !== true)
    return { what: 'has a makesRoom that is not true', hint: 'write makesRoom: true, or leave it out' }
  if (typeof record !== 'function')
    return { what: 'has no script', hint: 'pass one: (script) => { script.step(…) }' }
  return null
}
