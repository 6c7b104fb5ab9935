/**
 * The default export of a module. CommonJS that was compiled from a module has it one level further down, and marks that
 * with `__esModule`.
 */
export function defaultExport(namespace: unknown): unknown {
  const { default: exported } = namespace as { readonly default?: unknown }
  const compiled = typeof exported === 'object' && exported !== null && '__esModule' in exported
  return compiled && 'default' in exported ? exported.default : exported
}
