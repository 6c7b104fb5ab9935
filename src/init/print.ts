import { isFields, type Json, type JsonObject } from '../kernel/json.ts'
import { oneLine, sanitize } from '../kernel/sanitize.ts'
import { isEmpty, type ProposedSection, type ProposedTarget } from './proposal.ts'

/*
 * TypeScript from data. Names of services, files and databases come from outside: in the text they are only
 * ever string literals, or comments of one line.
 */

export function configText(targets: readonly ProposedTarget[]): string {
  const body = targets.map((target) => targetText(target, '    ')).join('')
  const imported = usesSecret(targets) ? 'defineConfig, secret' : 'defineConfig'
  return `import { ${imported} } from 'runbook'

// \`runbook help config\` describes every setting.
export default defineConfig({
  targets: {
${body}  },
})
`
}

export const usesSecret = (targets: readonly ProposedTarget[]): boolean =>
  targets.some(({ sections }) => sections.some(({ value }) => holdsSecret(value)))

export const targetText = ({ name, sections }: ProposedTarget, indent: string): string =>
  `${indent}${keyText(name)}: {\n${sections.map((one) => sectionText(one, `${indent}  `)).join('')}${indent}},\n`

/** The section as a property with its comma, under a comment if it is guessed; a comment alone without a value. */
export function sectionText({ name, value, guessed }: ProposedSection, indent: string): string {
  const comment = guessed === null ? '' : `${indent}// guessed: ${commentText(guessed)}\n`
  if (isEmpty({ value })) return `${comment}${indent}// ${keyText(name)}: [],\n`
  return `${comment}${indent}${keyText(name)}: ${valueText(value, indent)},\n`
}

/** One line, in which nothing controls how it is shown. */
const commentText = (text: string): string => oneLine(text.replaceAll('\r', '\\r'))

const width = 110

function valueText(value: Json, indent: string): string {
  const short = inlineText(value)
  if (short.length + indent.length <= width) return short
  const deeper = `${indent}  `
  if (Array.isArray(value))
    return `[\n${value.map((one: Json) => `${deeper}${valueText(one, deeper)},\n`).join('')}${indent}]`
  if (!isFields(value) || isSecret(value)) return short
  const lines = Object.entries(value).map(
    ([key, one]) => `${deeper}${keyText(key)}: ${valueText(one as Json, deeper)},\n`,
  )
  return `{\n${lines.join('')}${indent}}`
}

function inlineText(value: Json): string {
  if (typeof value === 'string') return stringText(value)
  if (Array.isArray(value)) return `[${value.map(inlineText).join(', ')}]`
  if (!isFields(value)) return String(value)
  if (isSecret(value)) return secretText(value)
  return `{ ${Object.entries(value)
    .map(([key, one]) => `${keyText(key)}: ${inlineText(one as Json)}`)
    .join(', ')} }`
}

/** A string literal with single quotes. Characters that do not show, or turn the text around, are escaped. */
export function stringText(value: string): string {
  const body = JSON.stringify(value)
    .slice(1, -1)
    .replaceAll(String.raw`\"`, '"')
    .replaceAll("'", String.raw`\'`)
  return `'${sanitize(body)}'`
}

const keyText = (key: string): string =>
  key === '__proto__' ? `['__proto__']` : /^[A-Za-z_$][\w$]*$/.test(key) ? key : stringText(key)

const isSecret = (value: { readonly [name: string]: unknown }): boolean =>
  Object.keys(value).toSorted().join() === 'from,secret'

const secretText = (value: { readonly [name: string]: unknown }): string => {
  const from = value['from'] as JsonObject
  return 'env' in from ? `secret(${inlineText(from['env'] ?? '')})` : `secret(${inlineText(from)})`
}

const holdsSecret = (value: Json): boolean =>
  isFields(value) && (isSecret(value) || Object.values(value).some((one) => holdsSecret(one as Json)))
