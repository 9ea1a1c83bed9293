// Kept while callers move to ../runtime-text.ts.

export { runtimeFolder, runtimeText } from '../runtime-text.ts';
