import type { Config, TargetConfig } from './input.ts'

export type { Config, TargetConfig } from './input.ts'

/** Makes unknown names a type error where they are written. */
type Known<T, K extends PropertyKey> = { readonly [N in Exclude<keyof T, K>]: never }

type KeysOfEach<T> = T extends unknown ? keyof T : never

type KnownSection<T, Section> = T extends readonly (infer Item)[]
  ? Section extends readonly (infer Expected)[]
    ? readonly Known<Item, KeysOfEach<Expected>>[]
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
 * Describes the systems that runbooks work on: the default export of `runbook.config.ts`. Checks types only;
 * the values are checked when the file is loaded.
 * @returns `config` unchanged, with a type that keeps its targets and their sections
 */
export function defineConfig<C extends Config>(config: C & Checked<C>): C {
  return config
}
