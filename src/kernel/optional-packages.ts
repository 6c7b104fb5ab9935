/**
 * npm packages that only some targets need, with what to install for each. They are optional peer dependencies: npm does
 * not install them, and refuses other versions. The key is what the program imports first.
 */
export const optionalPackages = {
  'age-encryption': ['age-encryption@0.3'],
  '@aws-sdk/client-s3': ['@aws-sdk/client-s3@3'],
  '@octokit/request': ['@octokit/request@10', '@octokit/request-error@7'],
} as const

export type OptionalPackage = keyof typeof optionalPackages

export const isOptionalPackage = (name: unknown): name is OptionalPackage =>
  typeof name === 'string' && Object.hasOwn(optionalPackages, name)
