import type { z } from 'zod'
import { RunbookError } from '../kernel/errors.ts'
import { nearest } from '../kernel/did-you-mean.ts'
import { withDefaults, type Defaults, type Section, type Target, type TargetName } from '../model/target.ts'
import { sections, type ResolvedSections } from '../sections/index.ts'
import { absolute, handleOf, type BasePaths } from '../sections/parts/base-paths.ts'
import type { SectionContext, SectionDefinition } from '../sections/parts/section.ts'
import type { ParsedConfig } from './schema.ts'

/**
 * One target as runbooks see it: absolute paths, times in seconds, services with their stack. Pure.
 * @throws RunbookError `usage` for an unknown name, or a section that needs another one
 */
export function targetOf(config: ParsedConfig, name: string, basePaths: BasePaths): Target {
  const raw = config.targets[name]
  if (raw === undefined || !Object.hasOwn(config.targets, name)) throw unknown(config, name)
  const { resolved, defaults } = resolvedSections(raw, name, basePaths)
  const target: Target = {
    name: name as TargetName,
    title: raw.title ?? name,
    objectives: { rtoSeconds: raw.objectives.rto ?? null, rpoSeconds: raw.objectives.rpo ?? null },
    ...resolved,
    settings: raw.settings as Target['settings'],
  }
  return withDefaults(target, defaults)
}

type AnySection = SectionDefinition<z.ZodType, unknown>
const table = Object.entries(sections) as unknown as readonly (readonly [Section, AnySection])[]

/** Each section is resolved on first use: by the loop below, or by another section that builds on it. */
function resolvedSections(
  raw: { readonly [S in Section]?: unknown },
  target: string,
  basePaths: BasePaths,
): { readonly resolved: ResolvedSections; readonly defaults: Defaults } {
  const resolved = new Map<unknown, unknown>()
  const resolve = (name: Section, section: AnySection): unknown => {
    if (!resolved.has(section)) resolved.set(section, section.resolve(raw[name], contextFor(name)))
    return resolved.get(section)
  }
  const other = <S extends z.ZodType, R>(section: SectionDefinition<S, R>): R | undefined => {
    const found = table.find(([, one]) => one === (section as unknown))
    return found === undefined || raw[found[0]] === undefined ? undefined : (resolve(...found) as R)
  }
  const unusable = (problem: string, hint: string): RunbookError =>
    new RunbookError('usage', `cannot use the target ${target}: ${problem}`, { hint })
  const contextFor = (name: Section): SectionContext => ({
    host: basePaths.host,
    path: (given) => absolute(given, basePaths),
    stateFolder: (name) =>
      absolute(name, {
        ...basePaths,
        directory: basePaths.state ?? absolute('~/.local/state/runbook', basePaths),
      }),
    projectName: (file) => basePaths.projectNames?.get(file),
    secret: ((handle) =>
      handle === undefined ? null : handleOf(handle, basePaths)) as SectionContext['secret'],
    other,
    unusable,
    stack: (setting) => {
      const found = other(sections.stack)
      if (found !== undefined) return found
      throw unusable(
        `${setting === undefined ? name : `${name}.${setting}`} names services, but the target has no stack`,
        'configure under stack where its services run',
      )
    },
  })
  const configured = table.filter(([name]) => raw[name] !== undefined)
  const defaults = table.flatMap(([name, { absent }]) => {
    const found = raw[name] === undefined ? absent?.resolve(contextFor(name)) : undefined
    return found === undefined || found === null ? [] : [[name, found] as const]
  })
  return {
    resolved: Object.fromEntries(
      configured.map(([name, section]) => [name, resolve(name, section)]),
    ) as ResolvedSections,
    defaults: Object.fromEntries(defaults) as Defaults,
  }
}

function unknown(config: ParsedConfig, name: string): RunbookError {
  const names = Object.keys(config.targets)
  return new RunbookError(
    'usage',
    `target "${name}" not found${nearest(name, names, (found) => `; did you mean "${found}"?`)}`,
    {
      hint: `choose one of ${names.join(', ')}, or add it to runbook.config.ts`,
    },
  )
}
