import type { SecretHandle } from '../../drivers/secrets.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { PlannedStep } from '../../model/plan.ts'
import type { Finding, Look, Need } from '../../model/step.ts'
import { needsOf } from '../../model/returned.ts'
import { stepOf, type RunContext } from './run-context.ts'

/**
 * Programs and packages that the steps need, without duplicates, each with the first step that needs it.
 * @param failed called for a step that cannot say what it needs
 */
export function requirementsOf(
  context: RunContext,
  inputs: readonly { readonly planned: PlannedStep; readonly input: JsonObject }[],
  failed: (planned: PlannedStep, thrown: unknown) => void,
): readonly { readonly planned: PlannedStep; readonly need: Need }[] {
  const needs = new Map<string, { readonly planned: PlannedStep; readonly need: Need }>()
  for (const { planned, input } of inputs) {
    try {
      for (const need of needsOf(stepOf(context, planned), input)) {
        const key = keyOf(need)
        if (!needs.has(key)) needs.set(key, { planned, need })
      }
    } catch (thrown) {
      failed(planned, thrown)
    }
  }
  return [...needs.values()]
}

/** The name of what is needed. */
export const nameOfNeed = (need: Need): string => ('package' in need ? need.package : need.program)

/** Equal for needs that the same installation meets. */
export const keyOf = (need: Need): string =>
  'package' in need ? need.package : `${need.program} ${need.atLeast ?? ''}`

/** The installed version of what is needed; null if it is not installed. */
export async function installedVersion(look: Pick<Look, 'commands'>, need: Need): Promise<string | null> {
  if (!('package' in need)) return look.commands.version(need.program)
  const facts = await look.commands.package(need.package)
  return 'version' in facts ? facts.version : null
}

export async function needFindings(look: Pick<Look, 'commands'>, need: Need): Promise<readonly Finding[]> {
  if ('package' in need) {
    const facts = await look.commands.package(need.package)
    if ('version' in facts) return []
    const problem = `the npm package ${need.package} is not installed; ${need.why}`
    return [{ level: 'refuse', about: need.package, problem, hint: `install it: ${facts.install}` }]
  }
  const { program, atLeast, why } = need
  const version = await look.commands.version(program)
  const refuse = (problem: string, hint: string): readonly Finding[] => [
    { level: 'refuse', about: program, problem: `${problem}; ${why}`, hint },
  ]
  if (version === null) return refuse(`${program} is not installed`, `install ${program}`)
  if (atLeast !== undefined && older(version, atLeast))
    return refuse(
      `${program} is ${version}, but ${atLeast} or newer is required`,
      `install ${program} ${atLeast} or newer`,
    )
  return []
}

/** Compares dotted versions number by number. */
export function older(version: string, required: string): boolean {
  const numbers = (text: string): readonly number[] => (text.match(/\d+/g) ?? []).map(Number)
  const installed = numbers(version)
  for (const [index, part] of numbers(required).entries()) {
    const own = installed[index] ?? 0
    if (own !== part) return own < part
  }
  return false
}

export async function lackingSecrets(
  look: Look,
  { title }: PlannedStep,
  handles: readonly SecretHandle[],
): Promise<readonly Finding[]> {
  const found: Finding[] = []
  for (const handle of handles) {
    if (await look.secrets.available(handle)) continue
    const where = 'env' in handle.from ? `variable ${handle.from.env}` : `file ${handle.from.file}`
    found.push({
      level: 'refuse',
      about: title,
      problem: `secret ${handle.secret} is not available: ${where} is missing or shorter than 8 bytes`,
      hint: `set ${where}, and start again`,
    })
  }
  return found
}
