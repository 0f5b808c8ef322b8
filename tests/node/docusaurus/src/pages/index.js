import Link from '@docusaurus/Link';

export default () => (
  <main>
    <h1>One</h1>
    <Link to="/two">Next page</Link>
  </main>
);
