import type { Config, TargetConfig } from './input.ts'

export type { Config, TargetConfig } from './input.ts'

/** Names that nobody reads are refused where they are written. */
type Known<T, K extends PropertyKey> = { readonly [N in Exclude<keyof T, K>]: never }

type KeysOfEach<T> = T extends unknown ? keyof T : never

type KnownSection<T, Section> = T extends readonly (infer Item)[]
  ? Section extends readonly (infer Wanted)[]
    ? readonly Known<Item, KeysOfEach<Wanted>>[]
    : unknown
  : Known<T, KeysOfEach<Section>>

type KnownTarget<T> = Known<T, keyof TargetConfig> & {
  readonly [S in keyof T]: S extends keyof TargetConfig
    ? KnownSection<T[S], NonNullable<TargetConfig[S]>>
    : never
}

type Checked<C extends Config> = Known<C, keyof Config> & {
  readonly defaultTarget?: Extract<keyof C['targets'], string>
  readonly targets: { readonly [N in keyof C['targets']]: KnownTarget<C['targets'][N]> }
}

/**
 * Describes the systems that runbooks work on. The default export of `runbook.config.ts`.
 * @returns the same, its type remembering which targets there are and which sections they have
 */
export function defineConfig<C extends Config>(config: C & Checked<C>): C {
  return config
}
