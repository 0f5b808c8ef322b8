// The words that an English panel draws with.
import { en, type Words } from '../src/words/en';

export const english: Words = { ...en, name: 'en', lang: 'en', dir: 'ltr' };
