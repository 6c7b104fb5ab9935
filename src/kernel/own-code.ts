/** The root of this program's code: the checkout, or `dist` in a package, which has the same layout. */
export const ownRoot = new URL('../../', import.meta.url)

/** The extension of this program's files: TypeScript in a checkout, JavaScript in a package. */
export const ownExtension = import.meta.url.endsWith('.js') ? 'js' : 'ts'
