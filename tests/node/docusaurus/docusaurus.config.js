// The site around the recipe: `recipe.mjs` is what the documentation says, written by the test.
import recipe from './recipe.mjs';

export default {
  title: 'Docs',
  url: 'http://localhost',
  baseUrl: '/',
  plugins: ['@docusaurus/plugin-content-pages'],
  ...recipe,
};
